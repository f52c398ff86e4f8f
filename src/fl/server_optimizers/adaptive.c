/* FedAdagrad, FedAdam, FedYogi: Reddi et al. 2021, Algorithm 2. They differ in the
 * second moment; there is no correction of the bias, and it starts from tau^2. */
#include "optimizers.h"

#include <math.h>

typedef struct beta2_options {
    double beta2;
} beta2_options_t;

typedef struct tau_options {
    double tau;
} tau_options_t;

/* clang-format off */
static const fed_key_t beta2_keys[] = {
    FED_REAL(beta2_options_t, beta2, 0, 0.999999, "0.99", "server's adam and yogi: decay of the second moment"),
};
static const fed_key_t tau_keys[] = {
    FED_REAL(tau_options_t, tau, 0, 1000, "0.001", "server's adagrad, adam and yogi: adaptivity, added to the root of the second moment", .above_minimum = true),
};
/* clang-format on */

static const fed_key_group_t beta2_group = FED_KEY_GROUP("federated", beta2_options_t, beta2_keys);
static const fed_key_group_t tau_group = FED_KEY_GROUP("federated", tau_options_t, tau_keys);

static double beta2_of(const fed_config_t *config) {
    return ((const beta2_options_t *)fed_config_options(config, &beta2_group))->beta2;
}

static double tau_of(const fed_config_t *config) {
    return ((const tau_options_t *)fed_config_options(config, &tau_group))->tau;
}

static const fed_slot_t first_moment = {FED_OWNER_SERVER, "first_moment", 0};
static const fed_slot_t second_moment = {FED_OWNER_SERVER, "second_moment", 0};

static void start(const fed_server_step_t *before) {
    double tau = tau_of(before->config), *v = fed_server_slot(before, &second_moment);
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
    double rate = fed_server_optimizer_options(config)->server_learning_rate, tau = tau_of(config);
    double beta1 = fed_beta1_options(config)->beta1, beta2 = beta2_of(config);
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
    .plugin = {.name = "adagrad",
               .summary = "FedAdagrad (Reddi et al. 2021, Algorithm 2)",
               .keys = {&fed_beta1_keys, &tau_group}},
    FED_SLOTS(&first_moment, &second_moment),
    .start = start,
    .step = step_adagrad,
};

const fed_server_optimizer_t fed_server_adam = {
    .plugin = {.name = "adam",
               .summary = "FedAdam (Reddi et al. 2021, Algorithm 2)",
               .keys = {&fed_beta1_keys, &beta2_group, &tau_group}},
    FED_SLOTS(&first_moment, &second_moment),
    .start = start,
    .step = step_adam,
};

const fed_server_optimizer_t fed_server_yogi = {
    .plugin = {.name = "yogi",
               .summary = "FedYogi (Reddi et al. 2021, Algorithm 2)",
               .keys = {&fed_beta1_keys, &beta2_group, &tau_group}},
    FED_SLOTS(&first_moment, &second_moment),
    .start = start,
    .step = step_yogi,
};
