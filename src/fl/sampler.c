/* The table of samplers. */
#include "fl/samplers/samplers.h"

static const fed_plugin_t *const sampler_entries[] = {
    &fed_sampler_uniform.plugin,
    &fed_sampler_weighted.plugin,
    &fed_sampler_poisson.plugin,
};

const fed_plugin_table_t fed_samplers = FED_PLUGIN_TABLE("sampler", sampler_entries);
