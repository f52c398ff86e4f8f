/** Aggregation rules: how the clients' vectors become one.
 *
 * The mean and the mean of bounded updates are exact sums, which every rank adds up for
 * its clients. The other rules look at single clients' vectors, which the server gathers
 * in pieces. A rule is one const struct and a line in aggregation.c.
 *
 * A rule sees everything that a client sends as one vector, with the update first: Krum's
 * distances count SCAFFOLD's change of the control too, so that a client is taken with both or
 * not at all, and medians take each coordinate of both. norm_bound cuts updates only.
 */
#ifndef FEDMPI_FL_AGGREGATION_H
#define FEDMPI_FL_AGGREGATION_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/fl/encoder.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct fed_aggregation {
    fed_plugin_t plugin;

    /** What clients' vectors pass before the rule has them, [encoder_count]; may be none. */
    const fed_encoder_t *const *encoders;
    size_t encoder_count;

    /** Optional: make one row of the clients' rows, each coordinate on its own.
     * @param tolerated  f: clients of the round that may send anything
     * @param values     [clients][width], overwritten; clients at least 1
     * @param row        [out] [width] */
    void (*coordinates)(size_t tolerated, size_t clients, size_t width, float *values, double *row);

    /** Optional: choose clients, whose vectors are averaged with equal weights.
     * @param distances  squared, [clients][clients]
     * @param chosen     [out] [clients]; at least one */
    void (*choose)(size_t tolerated, size_t clients, const double *distances, bool *chosen);
} fed_aggregation_t;

/** The table behind federated.aggregation. */
extern const fed_plugin_table_t fed_aggregations;

typedef struct fed_aggregation_options {
    const fed_plugin_t *aggregation; /**< a fed_aggregation_t */
} fed_aggregation_options_t;

FED_DECLARE_OPTIONS(fed_aggregation)

/** The rule that the configuration names. */
const fed_aggregation_t *fed_aggregation_of(const fed_config_t *config);

/** Are there enough clients for the rule? FED_INPUT says how many it needs. */
fed_status_t fed_aggregation_check(const fed_config_t *config, const fed_aggregation_t *aggregation,
                                   size_t clients);

/** Does the rule look at single clients' vectors? */
bool fed_aggregation_is_single(const fed_aggregation_t *aggregation);

/** f: how many of so many clients federated.tolerated amounts to, rounded down. */
size_t fed_aggregation_tolerated(const fed_config_t *config, size_t clients);

/** Coordinates that are summed on their own, so that distances do not depend on pieces. */
#define FED_DISTANCE_BLOCK 1024

/** Add to the squared distances between clients those of some coordinates.
 * @param width      of a piece: a multiple of FED_DISTANCE_BLOCK, but for the last
 * @param values     [clients][width]
 * @param distances  [in,out] [clients][clients], symmetric */
void fed_aggregation_add_distances(size_t clients, size_t width, const float *values,
                                   double *distances);

#endif
