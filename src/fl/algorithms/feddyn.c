/* FedDyn: Acar et al. 2021, "Federated Learning Based on Dynamic Regularization",
 * Algorithm 1. A client's g_k is the gradient of its loss where it ended; the server's h
 * stays the average of all g_k. That average has the weights of federated.weighting;
 * "uniform" is the paper's. */
#include "algorithms.h"

#include "fedmpi/fl/client.h"

static void correct(const fed_client_t *client, size_t first, size_t count, float *g) {
    float alpha = (float)client->trainer->config->federated.alpha;
    const float *local = client->training->w + first, *global = client->down + first;
    const float *own = client->kept + first;
    for (size_t j = 0; j < count; j++)
        g[j] += alpha * (local[j] - global[j]) - own[j];
}

static void finish(fed_client_t *client) {
    float alpha = (float)client->trainer->config->federated.alpha;
    const float *local = client->training->w, *global = client->down;
    for (size_t j = 0; j < client->training->model->parameters; j++)
        client->kept[j] -= alpha * (local[j] - global[j]);
}

static void aggregate(const fed_aggregate_t *round) {
    double alpha = round->config->federated.alpha;
    for (size_t j = 0; j < round->parameters; j++) {
        round->kept[j] -= alpha * round->share * round->up[j];
        round->up[j] -= round->kept[j] / alpha;
    }
}

const fed_algorithm_t fed_algorithm_feddyn = {
    .plugin = {"feddyn", "dynamic regularisation, federated.alpha (Acar et al. 2021)"},
    .vectors = {.down = 1, .up = 1, .kept = 1, .server = 1},
    .correct = correct,
    .finish = finish,
    .aggregate = aggregate,
};
