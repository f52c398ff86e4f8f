/** Samplers: which of the clients that are available a round asks to take part.
 *
 * A sampler is one const struct in one file and its name in samplers.h. A draw is a pure
 * function of the seed, the round and the clients' sizes, in integers where it compares
 * sums, so that every rank draws for itself.
 */
#ifndef FEDMPI_FL_SAMPLER_H
#define FEDMPI_FL_SAMPLER_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/core/random.h"
#include "fedmpi/data/partition.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a sampler draws from. */
typedef struct fed_draw {
    const fed_config_t *config;
    const fed_partition_t *partition;
    fed_stream_t stream; /**< of this round: seed, purpose, round */
    size_t wanted;       /**< K, at most the number of clients */
    uint32_t *pool;      /**< clients that are available, ascending, [available]; may be changed
                              meanwhile, and is then put back */
    size_t available;
    uint32_t *chosen; /**< [out] those that are drawn, in any order; [wanted], or all clients */
} fed_draw_t;

typedef struct fed_sampler {
    fed_plugin_t plugin;

    /** It draws any number of clients: federated.clients_per_round does not go with it. */
    bool draws_any_number;

    /** Each client is drawn with this probability, whatever becomes of the others. NULL: draws
     * depend on each other. */
    double (*probability)(const fed_config_t *config);

    /** Required: fill draw->chosen. @return how many are drawn: at most `wanted`, unless it
     * draws any number */
    size_t (*draw)(const fed_draw_t *draw);
} fed_sampler_t;

/** The table behind federated.sampling. */
extern const fed_plugin_table_t fed_samplers;

/** The sampler that the configuration names. */
const fed_sampler_t *fed_sampler_of(const fed_config_t *config);

#endif
