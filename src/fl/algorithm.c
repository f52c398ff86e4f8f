/* The table of algorithms, and what is common to all. */
#include "fl/algorithms/algorithms.h"

static const fed_plugin_t *const algorithm_entries[] = {
    &fed_algorithm_fedavg.plugin,   &fed_algorithm_fedsgd.plugin,  &fed_algorithm_fedprox.plugin,
    &fed_algorithm_scaffold.plugin, &fed_algorithm_fednova.plugin, &fed_algorithm_feddyn.plugin,
};

const fed_plugin_table_t fed_algorithms = {
    .kind = "algorithm",
    .entries = algorithm_entries,
    .count = sizeof algorithm_entries / sizeof *algorithm_entries,
};

static const fed_key_t keys[] = {
    FED_NAME(fed_algorithm_options_t, algorithm, &fed_algorithms, "fedavg",
             "what clients and server compute, see --list"),
};

const fed_key_group_t fed_algorithm_keys =
    FED_KEY_GROUP("federated", fed_algorithm_options_t, keys);

fed_status_t fed_algorithm_find(const fed_config_t *config, const fed_algorithm_t **algorithm) {
    *algorithm = (const fed_algorithm_t *)fed_algorithm_options(config)->algorithm;
    return (*algorithm)->check ? (*algorithm)->check(config) : FED_OK;
}

double *fed_round_up(const fed_aggregate_t *round, const fed_slot_t *slot) {
    return round->up + fed_slots_place(round->slots, slot)->offset;
}

float *fed_round_down(const fed_aggregate_t *round, const fed_slot_t *slot) {
    return round->down + fed_slots_place(round->slots, slot)->offset;
}

double *fed_round_server(const fed_aggregate_t *round, const fed_slot_t *slot) {
    return round->server + fed_slots_place(round->slots, slot)->offset;
}
