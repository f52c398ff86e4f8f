/** What an earlier run left: a results file that is there already. */
#ifndef FEDMPI_IO_EARLIER_H
#define FEDMPI_IO_EARLIER_H

#include "fedmpi/core/error.h"
#include "fedmpi/io/run_status.h"

#include <stdint.h>

typedef struct fed_earlier {
    fed_run_status_t status;
    int64_t rounds; /**< rows of federated/rounds */
    int64_t epochs; /**< rows of centralized/epochs */
    char *ini;      /**< the effective configuration; owned */
} fed_earlier_t;

/** Read it, in a process of its own. FED_INPUT if it is no results file of fedmpi; then there is
 * nothing to give back. */
fed_status_t fed_earlier_read(fed_earlier_t *earlier, const char *path);

void fed_earlier_fini(fed_earlier_t *earlier);

#endif
