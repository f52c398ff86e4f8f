/* The table of server optimizers. */
#include "fl/server_optimizers/optimizers.h"

static const fed_plugin_t *const optimizer_entries[] = {
    &fed_server_sgd.plugin,  &fed_server_momentum.plugin, &fed_server_adagrad.plugin,
    &fed_server_adam.plugin, &fed_server_yogi.plugin,
};

const fed_plugin_table_t fed_server_optimizers = {
    .kind = "server optimizer",
    .key = "federated.server_optimizer",
    .entries = optimizer_entries,
    .count = sizeof optimizer_entries / sizeof *optimizer_entries,
};

fed_status_t fed_server_optimizer_find(const fed_config_t *config,
                                       const fed_server_optimizer_t **optimizer) {
    return fed_config_choose(config, &fed_server_optimizers, config->federated.server_optimizer,
                             (const fed_plugin_t **)optimizer);
}

double *fed_server_slot(const fed_server_step_t *step, const fed_slot_t *slot) {
    return step->server + fed_slots_place(step->slots, slot)->offset;
}
