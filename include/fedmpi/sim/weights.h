/** Weights: what each client counts for in an average. */
#ifndef FEDMPI_SIM_WEIGHTS_H
#define FEDMPI_SIM_WEIGHTS_H

#include "fedmpi/sim/problem.h"

/** Does federated.weighting go with the method? FED_INPUT says what does. */
fed_status_t fed_weights_check(const fed_config_t *config, const fed_method_t *method);

/** p_k of the clients of a set: as federated.weighting says, so that they add up to 1. Under
 * differential privacy each is one over the number of clients that is expected, whoever came.
 * @param weights  [out] [count] */
void fed_weights(const fed_problem_t *problem, const uint32_t *chosen, size_t count,
                 double *weights);

/** Their share of the whole federation's weight, 0 .. 1. */
double fed_weights_share(const fed_problem_t *problem, const uint32_t *chosen, size_t count);

/** What a client counts for before that is divided by everybody's: its samples, or 1. */
size_t fed_weights_unit(const fed_problem_t *problem, uint32_t client);

#endif
