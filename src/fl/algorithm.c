/* The table of algorithms. */
#include "algorithms.h"

#include "fedmpi/core/memory.h"

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
    *algorithm =
        (const fed_algorithm_t *)fed_plugin_find(&fed_algorithms, config->federated.algorithm);
    if (*algorithm)
        return FED_OK;
    FED_AUTOFREE char *names = fed_plugin_names(&fed_algorithms);
    return fed_config_fail(config, fed_algorithms.key, "accepted is %s", names);
}
