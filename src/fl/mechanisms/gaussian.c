/* The server, which clients trust, adds Gaussian noise to the sum of their updates: DP-FedAvg,
 * McMahan et al. 2018, "Learning Differentially Private Recurrent Language Models", Algorithm 1,
 * with the estimator of its section 2.2 whose denominator is fixed. */
#include "mechanisms.h"

const fed_mechanism_plugin_t fed_mechanism_gaussian = {
    .plugin = {.name = "gaussian",
               .summary = "client-level differential privacy: the server clips updates and adds "
                          "Gaussian noise to their sum (McMahan et al. 2018)",
               .keys = {&fed_promise_keys, &fed_clipping_keys},
               .columns = {&fed_clipped, &fed_clipped_clients}},
    .is_private = true,
};
