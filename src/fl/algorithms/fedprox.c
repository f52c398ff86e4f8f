/* FedProx: Li et al. 2020, "Federated Optimization in Heterogeneous Networks",
 * equation 2: each client adds the proximal term mu/2 |w_k - w|^2 to its loss. */
#include "algorithms.h"

#include "fedmpi/fl/client.h"

static void correct(const fed_client_t *client, size_t first, size_t count, float *g) {
    float mu = (float)client->trainer->config->federated.mu;
    const float *local = client->training->w + first, *global = client->w + first;
    for (size_t j = 0; j < count; j++)
        g[j] += mu * (local[j] - global[j]);
}

const fed_algorithm_t fed_algorithm_fedprox = {
    .plugin = {"fedprox", "averaging with a proximal term, federated.mu (Li et al. 2020)"},
    .correct = correct,
};
