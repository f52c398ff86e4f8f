/* The table of samplers. */
#include "fl/samplers/samplers.h"

static const fed_plugin_t *const sampler_entries[] = {
    &fed_sampler_uniform.plugin,
    &fed_sampler_weighted.plugin,
    &fed_sampler_poisson.plugin,
};

const fed_plugin_table_t fed_samplers = {
    .kind = "sampler",
    .key = "federated.sampling",
    .entries = sampler_entries,
    .count = sizeof sampler_entries / sizeof *sampler_entries,
};

fed_status_t fed_sampler_find(const fed_config_t *config, const fed_sampler_t **sampler) {
    return fed_config_choose(config, &fed_samplers, config->federated.sampling,
                             (const fed_plugin_t **)sampler);
}
