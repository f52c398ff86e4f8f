/* Federated averaging: McMahan et al. 2017, "Communication-Efficient Learning of
 * Deep Networks from Decentralized Data", Algorithm 1. The server adds the average
 * of the clients' updates, which is the average of their models. */
#include "algorithms.h"

const fed_algorithm_t fed_algorithm_fedavg = {
    .plugin = {.name = "fedavg",
               .summary = "federated averaging (McMahan et al. 2017, Algorithm 1)"},
};
