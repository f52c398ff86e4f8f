/* The table of algorithms. */
#include "algorithms.h"

static const fed_plugin_t *const algorithm_entries[] = {
    &fed_algorithm_fedavg.plugin,
};

const fed_plugin_table_t fed_algorithms = {
    .kind = "algorithm",
    .key = "federated.algorithm",
    .entries = algorithm_entries,
    .count = sizeof algorithm_entries / sizeof *algorithm_entries,
};

fed_status_t fed_algorithm_find(const fed_config_t *config, const fed_algorithm_t **algorithm) {
    return fed_config_choose(config, &fed_algorithms, config->federated.algorithm,
                             (const fed_plugin_t **)algorithm);
}
