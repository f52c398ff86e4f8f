/* FedDyn: Acar et al. 2021, "Federated Learning Based on Dynamic Regularization",
 * Algorithm 1. A client's g_k is the gradient of its loss where it ended; the server's h
 * stays the average of all g_k. That average has the weights of federated.weighting;
 * "uniform" is the paper's. */
#include "algorithms.h"

#include "fedmpi/fl/client.h"

static const fed_slot_t own_gradient = {FED_OWNER_CLIENT, "gradient", 0};       /* g_k */
static const fed_slot_t mean_gradient = {FED_OWNER_SERVER, "mean_gradient", 0}; /* h */

static void correct(const fed_client_t *client, size_t first, size_t count, float *g) {
    float alpha = (float)client->trainer->config->federated.alpha;
    const float *local = client->training->w + first, *global = client->w + first;
    const float *own = fed_client_state(client, &own_gradient) + first;
    for (size_t j = 0; j < count; j++)
        g[j] += alpha * (local[j] - global[j]) - own[j];
}

static void finish(fed_client_t *client) {
    float alpha = (float)client->trainer->config->federated.alpha;
    const float *local = client->training->w, *global = client->w;
    float *own = fed_client_state(client, &own_gradient);
    for (size_t j = 0; j < client->training->model->parameters; j++)
        own[j] -= alpha * (local[j] - global[j]);
}

static void aggregate(const fed_aggregate_t *round) {
    double alpha = round->config->federated.alpha;
    double *h = fed_round_server(round, &mean_gradient);
    double *update = fed_round_up(round, &fed_slot_update);
    for (size_t j = 0; j < round->slots->parameters; j++) {
        h[j] -= alpha * round->share * update[j];
        update[j] -= h[j] / alpha;
    }
}

const fed_algorithm_t fed_algorithm_feddyn = {
    .plugin = {"feddyn", "dynamic regularisation, federated.alpha (Acar et al. 2021)"},
    FED_SLOTS(&own_gradient, &mean_gradient),
    .correct = correct,
    .finish = finish,
    .aggregate = aggregate,
};
