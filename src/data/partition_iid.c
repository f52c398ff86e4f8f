/* The same distribution for every client: all samples in one shuffled pile, or one
 * pile a class so that each client gets the same count of every class. */
#include "schemes.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/random.h"

#include <inttypes.h>

/* Samples in random order, sorted into piles: class c, or all in one pile. */
typedef struct piles {
    size_t count;
    size_t *first;     /* [count + 1] */
    uint32_t *samples; /* pile p is samples[first[p]] .. samples[first[p+1]-1] */
} piles_t;

static void piles_init(piles_t *piles, const fed_labels_t *labels, bool by_class, uint64_t seed) {
    piles->count = by_class ? labels->classes : 1;
    piles->first = FED_NEW_ARRAY(size_t, piles->count + 1);
    piles->samples = FED_NEW_ARRAY(uint32_t, labels->count);
    for (size_t i = 0; i < labels->count; i++)
        piles->first[by_class ? labels->labels[i] + 1 : 1]++;
    for (size_t p = 0; p < piles->count; p++)
        piles->first[p + 1] += piles->first[p];
    FED_AUTOFREE size_t *next = FED_NEW_ARRAY(size_t, piles->count);
    for (size_t i = 0; i < labels->count; i++) {
        size_t p = by_class ? (size_t)labels->labels[i] : 0;
        piles->samples[piles->first[p] + next[p]++] = (uint32_t)i;
    }
    for (size_t p = 0; p < piles->count; p++) {
        fed_stream_t stream = {.seed = seed, .purpose = FED_RANDOM_PARTITION, .epoch = (uint32_t)p};
        fed_random_permute(&stream, piles->samples + piles->first[p],
                           piles->first[p + 1] - piles->first[p]);
    }
}

static void piles_fini(piles_t *piles) {
    fed_free(piles->first);
    fed_free(piles->samples);
}

/* How many samples of pile p client k takes. What does not divide evenly goes
 * round: client k takes one more from `rest` piles, starting where k-1 stopped. */
static size_t fixed_share(size_t samples_per_client, size_t piles, size_t client, size_t pile) {
    size_t rest = samples_per_client % piles;
    size_t from_start = (pile + piles - client * rest % piles) % piles;
    return samples_per_client / piles + (from_start < rest);
}

/* All of a pile over all clients; the larger shares start at another client for
 * each pile, so that totals differ by as little as can be. */
static size_t equal_share(size_t pile_size, size_t clients, size_t client, size_t offset) {
    size_t rest = pile_size % clients;
    return pile_size / clients + ((client + clients - offset % clients) % clients < rest);
}

static size_t share(const piles_t *piles, size_t samples_per_client, size_t clients, size_t client,
                    size_t pile) {
    return samples_per_client > 0 ? fixed_share(samples_per_client, piles->count, client, pile)
                                  : equal_share(piles->first[pile + 1] - piles->first[pile],
                                                clients, client, piles->first[pile]);
}

static fed_status_t check_supply(const fed_config_t *config, const piles_t *piles, size_t clients,
                                 size_t samples_per_client) {
    for (size_t p = 0; p < piles->count; p++) {
        size_t wanted = 0, there = piles->first[p + 1] - piles->first[p];
        for (size_t k = 0; k < clients; k++)
            wanted += share(piles, samples_per_client, clients, k, p);
        if (wanted > there && piles->count == 1)
            return fed_config_fail(config, "partition.samples_per_client",
                                   "%zu clients need %zu samples, the training set has %zu; 0 "
                                   "shares everything out",
                                   clients, wanted, there);
        if (wanted > there)
            return fed_config_fail(
                config, "partition.samples_per_client",
                "%zu clients with the same count of every class need %zu samples "
                "of class %zu, the training set has %zu; fewer clients or "
                "samples, or partition.stratified = false",
                clients, wanted, p, there);
    }
    return FED_OK;
}

static void deal_piles(const piles_t *piles, size_t samples_per_client,
                       fed_partition_t *partition) {
    size_t clients = partition->clients;
    FED_AUTOFREE size_t *taken = FED_NEW_ARRAY(size_t, piles->count);
    size_t dealt = 0;
    for (size_t k = 0; k < clients; k++) {
        for (size_t p = 0; p < piles->count; p++) {
            size_t count = share(piles, samples_per_client, clients, k, p);
            for (size_t i = 0; i < count; i++)
                partition->samples[dealt++] = piles->samples[piles->first[p] + taken[p]++];
        }
        partition->first[k + 1] = dealt;
    }
}

static fed_status_t deal(const fed_config_t *config, const fed_labels_t *labels,
                         fed_partition_t *partition) {
    size_t clients = (size_t)config->partition.clients;
    size_t samples_per_client = (size_t)config->partition.samples_per_client;
    if (clients > labels->count)
        return fed_config_fail(config, "partition.clients",
                               "the training set has %zu samples, fewer than one a client",
                               labels->count);
    piles_t piles;
    piles_init(&piles, labels, config->partition.stratified, (uint64_t)config->experiment.seed);
    fed_status_t status = check_supply(config, &piles, clients, samples_per_client);
    if (status == FED_OK) {
        partition->clients = clients;
        partition->first = FED_NEW_ARRAY(size_t, clients + 1);
        partition->samples = FED_NEW_ARRAY(uint32_t, labels->count);
        deal_piles(&piles, samples_per_client, partition);
    }
    piles_fini(&piles);
    return status;
}

const fed_partition_scheme_t fed_scheme_iid = {
    .plugin = {"iid", "the same distribution for every client, by class or fully shuffled"},
    .deal = deal,
};
