/** Selection: which clients take part in a round.
 *
 * Computed on every rank from the seed and the clients' sizes, in integers; nobody is
 * told what all know.
 */
#ifndef FEDMPI_FL_SELECTION_H
#define FEDMPI_FL_SELECTION_H

#include "fedmpi/config/config.h"
#include "fedmpi/data/partition.h"
#include "fedmpi/fl/sampler.h"

#include <stddef.h>
#include <stdint.h>

typedef struct fed_selection_options {
    int64_t clients_per_round;
    const fed_plugin_t *sampling; /**< a fed_sampler_t */
    double availability, dropout;
} fed_selection_options_t;

FED_DECLARE_OPTIONS(fed_selection)

typedef struct fed_selection {
    const fed_config_t *config; /**< borrowed, as the next two */
    const fed_sampler_t *sampler;
    const fed_partition_t *partition;
    uint64_t seed;
    size_t per_round;   /**< K: clients that are drawn if so many are available */
    size_t capacity;    /**< most clients that can take part in a round */
    uint32_t *shuffled; /**< [clients]: the identity between draws */
    uint32_t *chosen;   /**< [capacity]: the round's participants, ascending, [count] */
    size_t count;       /**< participants; 0: nobody answers, and the round keeps the model */
    size_t drawn;       /**< asked to take part; the other ones drop out */
} fed_selection_t;

/** Do the keys go with the sampler and with the number of clients? */
fed_status_t fed_selection_check(const fed_config_t *config, const fed_sampler_t *sampler,
                                 size_t clients);

void fed_selection_init(fed_selection_t *selection, const fed_config_t *config,
                        const fed_sampler_t *sampler, const fed_partition_t *partition);
void fed_selection_fini(fed_selection_t *selection);

/** Draw the participants of a round into selection->chosen.
 *
 * Each client is available with probability federated.availability. The sampler draws from
 * those. Each that is drawn drops out with probability federated.dropout.
 * Time O(K log K) for uniform draws where all are available, else O(clients).
 */
void fed_selection_draw(fed_selection_t *selection, uint32_t round);

#endif
