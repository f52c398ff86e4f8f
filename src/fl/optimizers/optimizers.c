/* The table of optimizers, and the key that chooses from it. */
#include "optimizers.h"

const fed_plugin_table_t fed_optimizers = FED_PLUGIN_TABLE("optimizer", FED_OPTIMIZERS);

static const fed_key_t keys[] = {
    FED_NAME(fed_optimizer_options_t, optimizer, &fed_optimizers, "sgd",
             "how clients and baseline step along a gradient, see --list"),
};

const fed_key_group_t fed_optimizer_keys = FED_KEY_GROUP("training", fed_optimizer_options_t, keys);
