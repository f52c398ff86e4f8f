/* The table of server optimizers, and the keys that several of them use. */
#include "optimizers.h"

const fed_plugin_table_t fed_server_optimizers =
    FED_PLUGIN_TABLE("server optimizer", FED_SERVER_OPTIMIZERS);

/* clang-format off */
static const fed_key_t keys[] = {
    FED_NAME(fed_server_optimizer_options_t, server_optimizer, &fed_server_optimizers, "sgd", "how the averaged update changes the global model, see --list"),
    FED_REAL(fed_server_optimizer_options_t, server_learning_rate, 0, 1000, "1", "step size of the server's optimizer; sgd with 1 is averaging, adaptive ones want less", .above_minimum = true),
};
static const fed_key_t beta1_keys[] = {
    FED_REAL(fed_beta1_options_t, beta1, 0, 0.999999, "0.9", "server's momentum, adagrad, adam and yogi: decay of the first moment"),
};
/* clang-format on */

const fed_key_group_t fed_server_optimizer_keys =
    FED_KEY_GROUP("federated", fed_server_optimizer_options_t, keys);
const fed_key_group_t fed_beta1_keys = FED_KEY_GROUP("federated", fed_beta1_options_t, beta1_keys);
