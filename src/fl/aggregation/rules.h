/* The aggregation rules that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_FL_AGGREGATION_RULES_H
#define FEDMPI_FL_AGGREGATION_RULES_H

#include "fedmpi/fl/aggregation.h"

#define FED_AGGREGATIONS(each)                                                                     \
    each(fed_rule_mean), each(fed_rule_norm_bound), each(fed_rule_median),                         \
        each(fed_rule_trimmed_mean), each(fed_rule_krum), each(fed_rule_multi_krum)

extern const fed_aggregation_t FED_AGGREGATIONS(FED_PLUGIN_ITSELF);

/* For rules that tolerate some clients. */
typedef struct fed_tolerance_options {
    double tolerated;
} fed_tolerance_options_t;

FED_DECLARE_OPTIONS(fed_tolerance)

#endif
