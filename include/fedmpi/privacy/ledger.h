/** The ledger: which mechanisms have touched the data, and how often.
 *
 * All that fedmpi does to data under differential privacy is one mechanism with two numbers: each
 * member (a client, or a sample of one) takes part with probability q, on its own, and the sum of
 * what members say, each bounded to length 1, is told with Gaussian noise of deviation z.
 * Neighbours are federations of which one has a member more.
 */
#ifndef FEDMPI_PRIVACY_LEDGER_H
#define FEDMPI_PRIVACY_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fed_mechanism {
    double sampling; /**< q, 0 .. 1; 1: everybody takes part */
    double noise;    /**< z; 0: none, and nothing is private */
    double times;    /**< how often: a whole number */
} fed_mechanism_t;

#define FED_LEDGER_MOST 16

typedef struct fed_ledger {
    fed_mechanism_t entries[FED_LEDGER_MOST]; /**< [count], in the order of their first time */
    size_t count;
} fed_ledger_t;

/** One more time; false, and nothing noted, if that would be one entry too many. */
bool fed_ledger_add(fed_ledger_t *ledger, double sampling, double noise, double times);

/** How often in all. */
double fed_ledger_times(const fed_ledger_t *ledger);

#endif
