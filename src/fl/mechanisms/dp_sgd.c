/* Each client protects its samples by itself, from the server and from everybody: Abadi et al.
 * 2016, "Deep Learning with Differential Privacy", Algorithm 1. The steps are fl/training.c's. */
#include "mechanisms.h"

const fed_mechanism_plugin_t fed_mechanism_dp_sgd = {
    .plugin = {.name = "dp_sgd",
               .summary =
                   "sample-level differential privacy: clients clip each sample's gradient to "
                   "training.clip_sample_norm and add Gaussian noise (Abadi et al. 2016)",
               .keys = {&fed_promise_keys}},
    .per_sample = true,
};
