/* FedAdagrad, FedAdam, FedYogi: Reddi et al. 2021, Algorithm 2. They differ in the
 * second moment; there is no correction of the bias, and it starts from tau^2. */
#include "optimizers.h"

#include <math.h>

static const fed_slot_t first_moment = {FED_OWNER_SERVER, "first_moment", 0};
static const fed_slot_t second_moment = {FED_OWNER_SERVER, "second_moment", 0};

static void start(const fed_server_step_t *before) {
    double tau = before->config->federated.tau, *v = fed_server_slot(before, &second_moment);
    for (size_t j = 0; j < before->slots->parameters; j++)
        v[j] = tau * tau;
}

static double adagrad(double beta2, double v, double square) {
    (void)beta2;
    return v + square;
}

static double adam(double beta2, double v, double square) {
    return beta2 * v + (1 - beta2) * square;
}

static double yogi(double beta2, double v, double square) {
    double sign = (v > square) - (v < square);
    return v - (1 - beta2) * square * sign;
}

static inline void step(const fed_server_step_t *now, double (*renew)(double, double, double)) {
    const fed_config_t *config = now->config;
    double rate = config->federated.server_learning_rate, tau = config->federated.tau;
    double beta1 = config->federated.beta1, beta2 = config->federated.beta2;
    double *m = fed_server_slot(now, &first_moment), *v = fed_server_slot(now, &second_moment);
    const double *update = now->update;
    for (size_t j = 0; j < now->slots->parameters; j++) {
        m[j] = beta1 * m[j] + (1 - beta1) * update[j];
        v[j] = renew(beta2, v[j], update[j] * update[j]);
        now->w[j] = (float)((double)now->w[j] + rate * m[j] / (sqrt(v[j]) + tau));
    }
}

static void step_adagrad(const fed_server_step_t *now) {
    step(now, adagrad);
}

static void step_adam(const fed_server_step_t *now) {
    step(now, adam);
}

static void step_yogi(const fed_server_step_t *now) {
    step(now, yogi);
}

const fed_server_optimizer_t fed_server_adagrad = {
    .plugin = {"adagrad", "FedAdagrad (Reddi et al. 2021, Algorithm 2)"},
    FED_SLOTS(&first_moment, &second_moment),
    .start = start,
    .step = step_adagrad,
};

const fed_server_optimizer_t fed_server_adam = {
    .plugin = {"adam", "FedAdam (Reddi et al. 2021, Algorithm 2)"},
    FED_SLOTS(&first_moment, &second_moment),
    .start = start,
    .step = step_adam,
};

const fed_server_optimizer_t fed_server_yogi = {
    .plugin = {"yogi", "FedYogi (Reddi et al. 2021, Algorithm 2)"},
    FED_SLOTS(&first_moment, &second_moment),
    .start = start,
    .step = step_yogi,
};
