/* Federated averaging: McMahan et al. 2017, "Communication-Efficient Learning of
 * Deep Networks from Decentralized Data", Algorithm 1. The server adds the average
 * of the clients' updates, which is the average of their models. */
#include "algorithms.h"

static void server_step(size_t n, const double *update, float *w) {
    for (size_t i = 0; i < n; i++)
        w[i] = (float)((double)w[i] + update[i]);
}

const fed_algorithm_t fed_algorithm_fedavg = {
    .plugin = {"fedavg", "federated averaging (McMahan et al. 2017, Algorithm 1)"},
    .server_step = server_step,
};
