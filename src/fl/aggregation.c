/* The table of aggregation rules, and the two that are sums. */
#include "fl/aggregation/rules.h"
#include "fl/encoders/encoders.h"

const fed_aggregation_t fed_rule_mean = {
    .plugin = {"mean", "the weighted mean, as an exact sum"},
};

/* Sun et al. 2019, section 4.3: the encoder does it. */
static const fed_encoder_t *const norm_bound_encoders[] = {&fed_encoder_norm_bound};

const fed_aggregation_t fed_rule_norm_bound = {
    .plugin = {"norm_bound", "the mean of updates cut to federated.norm_bound (Sun et al. 2019)"},
    .encoders = norm_bound_encoders,
    .encoder_count = sizeof norm_bound_encoders / sizeof *norm_bound_encoders,
};

static const fed_plugin_t *const rule_entries[] = {
    &fed_rule_mean.plugin,         &fed_rule_norm_bound.plugin, &fed_rule_median.plugin,
    &fed_rule_trimmed_mean.plugin, &fed_rule_krum.plugin,       &fed_rule_multi_krum.plugin,
};

const fed_plugin_table_t fed_aggregations = {
    .kind = "aggregation",
    .key = "federated.aggregation",
    .entries = rule_entries,
    .count = sizeof rule_entries / sizeof *rule_entries,
};

fed_status_t fed_aggregation_find(const fed_config_t *config,
                                  const fed_aggregation_t **aggregation) {
    return fed_config_choose(config, &fed_aggregations, config->federated.aggregation,
                             (const fed_plugin_t **)aggregation);
}

fed_status_t fed_aggregation_check(const fed_config_t *config, const fed_aggregation_t *aggregation,
                                   size_t clients) {
    if (config->federated.clients_per_round > 0)
        clients = (size_t)config->federated.clients_per_round;
    size_t tolerated = fed_aggregation_tolerated(config, clients);
    if (aggregation->choose && clients < 2 * tolerated + 3)
        return fed_config_fail(config, fed_aggregations.key,
                               "needs 2 f + 3 clients a round; federated.tolerated makes f = %zu "
                               "of %zu",
                               tolerated, clients);
    return FED_OK;
}

bool fed_aggregation_is_single(const fed_aggregation_t *aggregation) {
    return aggregation->coordinates || aggregation->choose;
}

size_t fed_aggregation_tolerated(const fed_config_t *config, size_t clients) {
    return (size_t)(config->federated.tolerated * (double)clients);
}
