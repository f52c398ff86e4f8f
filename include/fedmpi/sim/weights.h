/** Weights: what each client counts for in an average. */
#ifndef FEDMPI_SIM_WEIGHTS_H
#define FEDMPI_SIM_WEIGHTS_H

#include "fedmpi/fl/records.h"
#include "fedmpi/sim/problem.h"

/** p_k of the clients of a set, which add up to 1: as federated.weighting says.
 * @param weights  [out] [count] */
void fed_weights(const fed_problem_t *problem, const uint32_t *chosen, size_t count,
                 double *weights);

/** Their share of the whole federation's weight, 0 .. 1. */
double fed_weights_share(const fed_problem_t *problem, const uint32_t *chosen, size_t count);

/** Weights add up to 1 again without those of the clients that diverged.
 * @param rows    [in,out] [count]
 * @param factor   [out] what weights grow by
 * @return how many did not diverge */
size_t fed_weights_without_diverged(const fed_problem_t *problem, fed_client_row_t *rows,
                                    size_t count, double *factor);

#endif
