/* Adam: Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", Algorithm 1, with
 * weight decay in the gradient; AdamW: Loshchilov and Hutter 2019, "Decoupled Weight Decay
 * Regularization", Algorithm 2. As PyTorch's have them: epsilon stands outside the corrected
 * root, and AdamW's decay is a share learning_rate * weight_decay of the parameters. */
#include "optimizers.h"

#include "fedmpi/math/adam.h"

#include <math.h>

typedef struct options {
    double adam_beta1, adam_beta2, adam_epsilon;
} options_t;

/* clang-format off */
static const fed_key_t keys[] = {
    FED_REAL(options_t, adam_beta1, 0, 0.999999, "0.9", "adam, adamw: decay of the gradient's mean"),
    FED_REAL(options_t, adam_beta2, 0, 0.99999999, "0.999", "adam, adamw: decay of the mean of its square"),
    FED_REAL(options_t, adam_epsilon, 0, 1, "1e-8", "adam, adamw: added to the root of that mean", .above_minimum = true),
};
/* clang-format on */

static const fed_key_group_t adam_keys = FED_KEY_GROUP("training", options_t, keys);

/* By multiplications only: the same on every machine, which pow need not be. */
static double power(double base, int64_t exponent) {
    double result = 1;
    for (; exponent > 0; exponent /= 2, base *= base)
        if (exponent % 2)
            result *= base;
    return result;
}

static void step_with(const fed_optimizer_step_t *step, float decay, float keep) {
    const options_t *options = fed_config_options(step->config, &adam_keys);
    double correction1 = 1 - power(options->adam_beta1, step->number);
    double correction2 = 1 - power(options->adam_beta2, step->number);
    const fed_adam_t one = {
        .beta1 = (float)options->adam_beta1,
        .fresh1 = (float)(1 - options->adam_beta1),
        .beta2 = (float)options->adam_beta2,
        .fresh2 = (float)(1 - options->adam_beta2),
        .rate = (float)((double)step->learning_rate / correction1),
        .root = (float)(1 / sqrt(correction2)),
        .epsilon = (float)options->adam_epsilon,
        .decay = decay,
        .keep = keep,
    };
    fed_adam_step(step->count, &one, step->g, step->memory, step->memory + step->stride, step->w);
}

static void adam(const fed_optimizer_step_t *step) {
    step_with(step, step->weight_decay, 1);
}

static void adamw(const fed_optimizer_step_t *step) {
    step_with(step, 0, (float)(1 - (double)step->learning_rate * (double)step->weight_decay));
}

const fed_optimizer_t fed_optimizer_adam = {
    .plugin = {.name = "adam",
               .summary = "Adam, weight decay in the gradient (Kingma and Ba 2015)",
               .keys = {&adam_keys}},
    .vectors = 2,
    .step = adam,
};

const fed_optimizer_t fed_optimizer_adamw = {
    .plugin = {.name = "adamw",
               .summary = "Adam, weight decay beside it (Loshchilov and Hutter 2019)",
               .keys = {&adam_keys}},
    .vectors = 2,
    .step = adamw,
};
