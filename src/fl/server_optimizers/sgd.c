/* Averaging, and averaging with momentum on the server. */
#include "optimizers.h"

static void step(const fed_config_t *config, size_t n, const double *update, double *kept,
                 float *w) {
    (void)kept;
    double rate = config->federated.server_learning_rate;
    for (size_t j = 0; j < n; j++)
        w[j] = (float)((double)w[j] + rate * update[j]);
}

/* FedAvgM: Hsu et al. 2019, "Measuring the Effects of Non-Identical Data Distribution
 * for Federated Visual Classification", section 4.3. */
static void step_with_momentum(const fed_config_t *config, size_t n, const double *update,
                               double *m, float *w) {
    double rate = config->federated.server_learning_rate, beta = config->federated.beta1;
    for (size_t j = 0; j < n; j++) {
        m[j] = beta * m[j] + update[j];
        w[j] = (float)((double)w[j] + rate * m[j]);
    }
}

const fed_server_optimizer_t fed_server_sgd = {
    .plugin = {"sgd", "the clients' average, at federated.server_learning_rate 1"},
    .step = step,
};

const fed_server_optimizer_t fed_server_momentum = {
    .plugin = {"momentum", "FedAvgM, momentum federated.beta1 (Hsu et al. 2019)"},
    .kept = 1,
    .step = step_with_momentum,
};
