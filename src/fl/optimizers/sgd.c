/* SGD with momentum. Its arithmetic is math/sgd.h's, fused into the backward pass. */
#include "optimizers.h"

/* clang-format off */
static const fed_key_t keys[] = {
    FED_REAL(fed_momentum_options_t, momentum, 0, 0.999999, "0.9", "sgd: share of the last step's velocity in the next; 0: none"),
    FED_BOOLEAN(fed_momentum_options_t, persistent_momentum, "false", "sgd: keep each client's momentum from round to round"),
    FED_BOOLEAN(fed_momentum_options_t, nesterov, "false", "sgd: Nesterov's momentum, as PyTorch's SGD has it"),
};
/* clang-format on */

const fed_key_group_t fed_momentum_keys = FED_KEY_GROUP("training", fed_momentum_options_t, keys);

const fed_optimizer_t fed_optimizer_sgd = {
    .plugin = {.name = "sgd",
               .summary = "stochastic gradient descent with momentum",
               .keys = {&fed_momentum_keys}},
    .vectors = 1,
};
