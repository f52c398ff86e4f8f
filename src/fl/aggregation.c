/* The table of aggregation rules, and the two that need no look. */
#include "fl/aggregation/rules.h"
#include "fl/encoders/encoders.h"

#include "fedmpi/fl/selection.h"

const fed_aggregation_t fed_rule_mean = {
    .plugin = {.name = "mean", .summary = "the weighted mean, as an exact sum"},
};

/* Sun et al. 2019, section 4.3: the encoder does it. */
static const fed_encoder_t *const norm_bound_encoders[] = {&fed_encoder_norm_bound};

const fed_aggregation_t fed_rule_norm_bound = {
    .plugin = {.name = "norm_bound",
               .summary = "the mean of updates cut to federated.norm_bound (Sun et al. 2019)",
               .keys = {&fed_norm_bound_keys},
               .columns = {&fed_norm_bound_cut, &fed_norm_bound_cuts}},
    .encoders = norm_bound_encoders,
    .encoder_count = sizeof norm_bound_encoders / sizeof *norm_bound_encoders,
};

const fed_plugin_table_t fed_aggregations = FED_PLUGIN_TABLE("aggregation", FED_AGGREGATIONS);

static const fed_key_t keys[] = {
    FED_NAME(fed_aggregation_options_t, aggregation, &fed_aggregations, "mean",
             "how the clients' updates become one, see --list"),
};
static const fed_key_t tolerance_keys[] = {
    FED_REAL(fed_tolerance_options_t, tolerated, 0, 0.499, "0.2",
             "trimmed_mean, krum, multi_krum: share of a round's clients that may send anything; f "
             "is its number, rounded down"),
};

const fed_key_group_t fed_aggregation_keys =
    FED_KEY_GROUP("federated", fed_aggregation_options_t, keys);
const fed_key_group_t fed_tolerance_keys =
    FED_KEY_GROUP("federated", fed_tolerance_options_t, tolerance_keys);

const fed_aggregation_t *fed_aggregation_of(const fed_config_t *config) {
    return (const fed_aggregation_t *)fed_aggregation_options(config)->aggregation;
}

fed_status_t fed_aggregation_check(const fed_config_t *config, const fed_aggregation_t *aggregation,
                                   size_t clients) {
    if (fed_selection_options(config)->clients_per_round > 0)
        clients = (size_t)fed_selection_options(config)->clients_per_round;
    size_t tolerated = fed_aggregation_tolerated(config, clients);
    return aggregation->check ? aggregation->check(config, clients, tolerated) : FED_OK;
}

size_t fed_aggregation_tolerated(const fed_config_t *config, size_t clients) {
    return (size_t)(fed_tolerance_options(config)->tolerated * (double)clients);
}
