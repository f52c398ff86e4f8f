/** Numbers as people write them: decimal, in configurations, options and the environment alike. */
#ifndef FEDMPI_CORE_NUMBER_H
#define FEDMPI_CORE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/** An integer: 1000, 1e3 and 1.5e2 are some, 1.5 and 1e-3 are none. False, and *value as it was,
 * for anything else and for what no int64_t holds. */
bool fed_number_integer(const char *text, int64_t *value);

/** A finite number: 0.1, 1e-3, .5 or 3, never hexadecimal, nan or inf. False, and *value as it
 * was, for anything else. */
bool fed_number_real(const char *text, double *value);

#endif
