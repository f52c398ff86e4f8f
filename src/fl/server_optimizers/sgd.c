/* Averaging, and averaging with momentum on the server. */
#include "optimizers.h"

static const fed_slot_t momentum = {FED_OWNER_SERVER, "momentum", 0};

static void step(const fed_server_step_t *now) {
    double rate = fed_server_optimizer_options(now->config)->server_learning_rate;
    for (size_t j = 0; j < now->slots->parameters; j++)
        now->w[j] = (float)((double)now->w[j] + rate * now->update[j]);
}

/* FedAvgM: Hsu et al. 2019, "Measuring the Effects of Non-Identical Data Distribution
 * for Federated Visual Classification", section 4.3. */
static void step_with_momentum(const fed_server_step_t *now) {
    double rate = fed_server_optimizer_options(now->config)->server_learning_rate;
    double beta = fed_beta1_options(now->config)->beta1, *m = fed_server_slot(now, &momentum);
    for (size_t j = 0; j < now->slots->parameters; j++) {
        m[j] = beta * m[j] + now->update[j];
        now->w[j] = (float)((double)now->w[j] + rate * m[j]);
    }
}

const fed_server_optimizer_t fed_server_sgd = {
    .plugin = {.name = "sgd",
               .summary = "the clients' average, at federated.server_learning_rate 1"},
    .step = step,
};

const fed_server_optimizer_t fed_server_momentum = {
    .plugin = {.name = "momentum",
               .summary = "FedAvgM, momentum federated.beta1 (Hsu et al. 2019)",
               .keys = {&fed_beta1_keys}},
    FED_SLOTS(&momentum),
    .step = step_with_momentum,
};
