/* FedProx: Li et al. 2020, "Federated Optimization in Heterogeneous Networks",
 * equation 2: each client adds the proximal term mu/2 |w_k - w|^2 to its loss. */
#include "algorithms.h"

#include "fedmpi/fl/client.h"

typedef struct options {
    double mu;
} options_t;

static const fed_key_t keys[] = {
    FED_REAL(options_t, mu, 0, 1000, "0.01", "fedprox: weight of the proximal term"),
};

static const fed_key_group_t fedprox_keys = FED_KEY_GROUP("federated", options_t, keys);

static void correct(const fed_client_t *client, size_t first, size_t count, float *g) {
    const options_t *options = fed_config_options(client->trainer->config, &fedprox_keys);
    float mu = (float)options->mu;
    const float *local = client->training->w + first, *global = client->w + first;
    for (size_t j = 0; j < count; j++)
        g[j] += mu * (local[j] - global[j]);
}

const fed_algorithm_t fed_algorithm_fedprox = {
    .plugin = {.name = "fedprox",
               .summary = "averaging with a proximal term, federated.mu (Li et al. 2020)",
               .keys = {&fedprox_keys}},
    .correct = correct,
};
