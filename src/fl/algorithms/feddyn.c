/* FedDyn: Acar et al. 2021, "Federated Learning Based on Dynamic Regularization",
 * Algorithm 1. A client's g_k is the gradient of its loss where it ended; the server's h
 * stays the average of all g_k. That average has the weights of federated.weighting;
 * "uniform" is the paper's. */
#include "algorithms.h"

#include "fedmpi/fl/client.h"

typedef struct options {
    double alpha;
} options_t;

static const fed_key_t keys[] = {
    FED_REAL(options_t, alpha, 0, 1000, "0.01", "feddyn: weight of the regularisation",
             .above_minimum = true),
};

static const fed_key_group_t feddyn_keys = FED_KEY_GROUP("federated", options_t, keys);

static double alpha_of(const fed_config_t *config) {
    return ((const options_t *)fed_config_options(config, &feddyn_keys))->alpha;
}

static const fed_slot_t own_gradient = {FED_OWNER_CLIENT, "gradient", 0};       /* g_k */
static const fed_slot_t mean_gradient = {FED_OWNER_SERVER, "mean_gradient", 0}; /* h */

static void correct(const fed_client_t *client, size_t first, size_t count, float *g) {
    float alpha = (float)alpha_of(client->trainer->config);
    const float *local = client->training->w + first, *global = client->w + first;
    const float *own = fed_client_state(client, &own_gradient) + first;
    for (size_t j = 0; j < count; j++)
        g[j] += alpha * (local[j] - global[j]) - own[j];
}

static void finish(fed_client_t *client) {
    float alpha = (float)alpha_of(client->trainer->config);
    const float *local = client->training->w, *global = client->w;
    float *own = fed_client_state(client, &own_gradient);
    for (size_t j = 0; j < client->training->model->parameters; j++)
        own[j] -= alpha * (local[j] - global[j]);
}

static void aggregate(const fed_aggregate_t *round) {
    double alpha = alpha_of(round->config);
    double *h = fed_round_server(round, &mean_gradient);
    double *update = fed_round_up(round, &fed_slot_update);
    for (size_t j = 0; j < round->slots->parameters; j++) {
        h[j] -= alpha * round->share * update[j];
        update[j] -= h[j] / alpha;
    }
}

const fed_algorithm_t fed_algorithm_feddyn = {
    .plugin = {.name = "feddyn",
               .summary = "dynamic regularisation, federated.alpha (Acar et al. 2021)",
               .keys = {&feddyn_keys}},
    .tells = "how many clients took part",
    FED_SLOTS(&own_gradient, &mean_gradient),
    .correct = correct,
    .finish = finish,
    .aggregate = aggregate,
};
