/* The aggregation rules that are compiled in: a new one is a line here and in
 * aggregation.c. */
#ifndef FEDMPI_FL_AGGREGATION_RULES_H
#define FEDMPI_FL_AGGREGATION_RULES_H

#include "fedmpi/fl/aggregation.h"

extern const fed_aggregation_t fed_rule_mean, fed_rule_norm_bound, fed_rule_median,
    fed_rule_trimmed_mean, fed_rule_krum, fed_rule_multi_krum;

/* For rules that tolerate some clients. */
typedef struct fed_tolerance_options {
    double tolerated;
} fed_tolerance_options_t;

FED_DECLARE_OPTIONS(fed_tolerance)

#endif
