/* Label skew by shards: McMahan et al. 2017, "Communication-efficient learning of deep
 * networks from decentralized data" (AISTATS), section 3. The samples are sorted by
 * label and cut into clients * shards_per_client shards of equal size (to within one
 * sample); each client gets shards_per_client of them at random. With the paper's
 * 100 clients and 2 shards of 300 each, most clients see two digits. */
#include "schemes.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/config/purposes.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/random.h"
#include "piles.h"

#include <string.h>

typedef struct options {
    int64_t shards_per_client;
} options_t;

static const fed_key_t keys[] = {
    FED_INTEGER(options_t, shards_per_client, 1, FED_COUNT_MAX, "2",
                "shards: pieces of the samples sorted by label that a client gets"),
};

static const fed_key_group_t shards_keys = FED_KEY_GROUP("partition", options_t, keys);

/* The shards in random order, client by client. Piles by class are sorted by label. */
static void hand_out(const fed_piles_t *sorted, size_t clients, size_t each, uint64_t seed,
                     fed_partition_t *partition) {
    size_t shards = clients * each, total = sorted->first[sorted->count], dealt = 0;
    FED_AUTOFREE uint32_t *order = FED_NEW_ARRAY(uint32_t, shards);
    for (size_t s = 0; s < shards; s++)
        order[s] = (uint32_t)s;
    fed_stream_t stream = {.seed = seed, .purpose = FED_RANDOM_SUBSET, .which = 1};
    fed_random_permute(&stream, order, shards);
    partition->clients = clients;
    partition->first = FED_NEW_ARRAY(size_t, clients + 1);
    partition->samples = FED_NEW_ARRAY(uint32_t, total);
    for (size_t s = 0; s < shards; s++) {
        size_t from = order[s] * total / shards, until = (order[s] + 1) * total / shards;
        memcpy(partition->samples + dealt, sorted->samples + from,
               (until - from) * sizeof *sorted->samples);
        dealt += until - from;
        partition->first[s / each + 1] = dealt;
    }
}

static fed_status_t deal(const fed_config_t *config, const fed_labels_t *labels,
                         fed_partition_t *partition) {
    size_t clients = (size_t)fed_partition_options(config)->clients, total;
    const options_t *options = fed_config_options(config, &shards_keys);
    size_t each = (size_t)options->shards_per_client;
    uint64_t seed = fed_seed(config);
    FED_TRY(fed_piles_supply(config, labels, &total));
    if (each > total / clients)
        return fed_config_fail(config, "partition.shards_per_client",
                               "%zu clients with %zu samples have room for %zu shards each",
                               clients, total, total / clients);
    fed_piles_t sorted;
    fed_piles_init(&sorted, labels, total, true, seed);
    hand_out(&sorted, clients, each, seed, partition);
    fed_piles_fini(&sorted);
    return FED_OK;
}

const fed_partition_scheme_t fed_scheme_shards = {
    .plugin = {.name = "shards",
               .summary = "label skew: sorted by label and cut into shards, some for each client "
                          "(McMahan et al. 2017)",
               .keys = {&shards_keys}},
    .deal = deal,
};
