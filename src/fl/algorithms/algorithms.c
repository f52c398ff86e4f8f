/* The table of algorithms, and the key that chooses from it. */
#include "algorithms.h"

const fed_plugin_table_t fed_algorithms = FED_PLUGIN_TABLE("algorithm", FED_ALGORITHMS);

static const fed_key_t keys[] = {
    FED_NAME(fed_algorithm_options_t, algorithm, &fed_algorithms, "fedavg",
             "what clients and server compute, see --list"),
};

const fed_key_group_t fed_algorithm_keys =
    FED_KEY_GROUP("federated", fed_algorithm_options_t, keys);
