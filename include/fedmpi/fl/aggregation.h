/** Aggregation rules: how the clients' vectors become one.
 *
 * Every rule is a look at what clients send, which it may need or not, and then an exact sum
 * with weights. The mean needs no look: its weights are known before anybody trains, so each
 * client's vector goes to the sums as it is made, and none is kept. Krum looks at distances and
 * then gives weights. The median is all look: it takes each coordinate from whom it likes and
 * leaves nothing to sum. For a look each rank keeps its clients' vectors until the server has
 * seen a piece of everybody's at a time. A rule is one const struct and its name in rules.h.
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

/** A look, on the server, at those clients of a set that did not diverge. */
typedef struct fed_look {
    size_t clients;   /**< at least 1; in ascending order */
    size_t tolerated; /**< f: so many of them may send anything */
    double *memory;   /**< the rule's from piece to piece, [rule->memory(clients)]; zero at first */
    double *aggregate; /**< [out] [numbers that a client sends], of rules that weigh nobody */
} fed_look_t;

/** Pieces are whole blocks of so many coordinates, but for the last one: what a rule adds up
 * block by block does not depend on them. */
#define FED_LOOK_BLOCK 1024

typedef struct fed_aggregation {
    fed_plugin_t plugin;

    /** What clients' vectors pass before the rule has them, [encoder_count]; may be none. */
    const fed_encoder_t *const *encoders;
    size_t encoder_count;

    /** Optional: are so many clients a round enough, of which `tolerated` may send anything?
     * FED_INPUT says how many it needs. */
    fed_status_t (*check)(const fed_config_t *config, size_t clients, size_t tolerated);

    /** Optional: look at a piece of everybody's vectors; pieces come in their order.
     * NULL: clients weigh what federated.weighting says, and nothing is kept.
     * @param first, width  the coordinates first .. first+width-1
     * @param values        [clients][width], may be overwritten */
    void (*see)(fed_look_t *look, size_t first, size_t width, float *values);

    /** Optional, behind the last piece: what each client weighs in the sum.
     * NULL behind a look: it has made the aggregate itself, and there is no sum.
     * @param weights  [out] [clients], zero at first; they add up to 1 */
    void (*weigh)(const fed_look_t *look, double *weights);

    /** Optional: numbers of a look's memory. */
    size_t (*memory)(size_t clients);
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

/** f: how many of so many clients federated.tolerated amounts to, rounded down. */
size_t fed_aggregation_tolerated(const fed_config_t *config, size_t clients);

#endif
