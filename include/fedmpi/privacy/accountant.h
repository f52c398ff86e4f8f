/** The accountant: what a ledger comes to as (epsilon, delta).
 *
 * The distribution of the privacy loss is put on a grid and composed by Fourier transforms: Gopi,
 * Lee and Wutschitz 2021, "Numerical Composition of Differential Privacy", Algorithm 1 and
 * Theorem 5.5, which bounds from both sides what the grid hides. Both directions are accounted,
 * a member more and a member less, and the larger counts. Where everybody takes part each time,
 * epsilon is known exactly (Balle and Wang 2018, "Improving the Gaussian Mechanism for Differential
 * Privacy", Theorem 8).
 *
 * An accountant keeps what it transformed: to ask it for one round after another is cheap.
 */
#ifndef FEDMPI_PRIVACY_ACCOUNTANT_H
#define FEDMPI_PRIVACY_ACCOUNTANT_H

#include "fedmpi/privacy/ledger.h"

typedef struct fed_accountant fed_accountant_t;

/** Bounds of the same epsilon: lower <= epsilon <= upper, by 0.01 apart at most where epsilon is
 * below 50, and by a 1000th of it elsewhere, as long as a grid of 2^24 bins is fine enough: for
 * some 100,000 times. All infinite where there is no noise. */
typedef struct fed_epsilon {
    double lower, estimate, upper;
    double rdp; /**< another upper bound, by fed_rdp_epsilon */
} fed_epsilon_t;

/** The least delta that doubles resolve. */
#define FED_DELTA_MIN 1e-10

/** @param delta  FED_DELTA_MIN <= delta < 1 */
fed_accountant_t *fed_accountant_create(double delta);
void fed_accountant_destroy(fed_accountant_t *accountant);

/** Memory that it holds for what it was asked last. */
size_t fed_accountant_bytes(const fed_accountant_t *accountant);

/** What the ledger comes to. Local. */
fed_epsilon_t fed_accountant_epsilon(fed_accountant_t *accountant, const fed_ledger_t *ledger);

/** How many of so many units more fit until the upper bound would exceed `budget`; 0 .. units.
 * @param unit  a mechanism, and how often one unit has it */
int64_t fed_accountant_affords(fed_accountant_t *accountant, const fed_ledger_t *ledger,
                               const fed_mechanism_t *unit, int64_t units, double budget);

/** The least noise, rounded up to a 10,000th, with which so many times stay within epsilon by their
 * upper bound; infinity if none below 10^6 does. */
double fed_accountant_noise(fed_accountant_t *accountant, double sampling, int64_t times,
                            double epsilon);

#endif
