/* FedAdagrad, FedAdam, FedYogi: Reddi et al. 2021, Algorithm 2. They differ in the
 * second moment; there is no correction of the bias, and it starts from tau^2. */
#include "optimizers.h"

#include <math.h>

static void start(const fed_config_t *config, size_t n, double *kept) {
    double tau = config->federated.tau;
    for (size_t j = 0; j < n; j++)
        kept[n + j] = tau * tau;
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

static inline void step(const fed_config_t *config, size_t n, const double *update, double *kept,
                        float *w, double (*second_moment)(double, double, double)) {
    double rate = config->federated.server_learning_rate, tau = config->federated.tau;
    double beta1 = config->federated.beta1, beta2 = config->federated.beta2;
    double *m = kept, *v = kept + n;
    for (size_t j = 0; j < n; j++) {
        m[j] = beta1 * m[j] + (1 - beta1) * update[j];
        v[j] = second_moment(beta2, v[j], update[j] * update[j]);
        w[j] = (float)((double)w[j] + rate * m[j] / (sqrt(v[j]) + tau));
    }
}

static void step_adagrad(const fed_config_t *config, size_t n, const double *update, double *kept,
                         float *w) {
    step(config, n, update, kept, w, adagrad);
}

static void step_adam(const fed_config_t *config, size_t n, const double *update, double *kept,
                      float *w) {
    step(config, n, update, kept, w, adam);
}

static void step_yogi(const fed_config_t *config, size_t n, const double *update, double *kept,
                      float *w) {
    step(config, n, update, kept, w, yogi);
}

const fed_server_optimizer_t fed_server_adagrad = {
    .plugin = {"adagrad", "FedAdagrad (Reddi et al. 2021, Algorithm 2)"},
    .kept = 2,
    .start = start,
    .step = step_adagrad,
};

const fed_server_optimizer_t fed_server_adam = {
    .plugin = {"adam", "FedAdam (Reddi et al. 2021, Algorithm 2)"},
    .kept = 2,
    .start = start,
    .step = step_adam,
};

const fed_server_optimizer_t fed_server_yogi = {
    .plugin = {"yogi", "FedYogi (Reddi et al. 2021, Algorithm 2)"},
    .kept = 2,
    .start = start,
    .step = step_yogi,
};
