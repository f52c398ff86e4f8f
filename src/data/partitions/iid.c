/* The same distribution for every client: all samples in one shuffled pile, or one
 * pile a class so that each client gets the same count of every class. */
#include "schemes.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/core/memory.h"
#include "piles.h"

typedef struct options {
    bool stratified;
} options_t;

static const fed_key_t keys[] = {
    FED_BOOLEAN(options_t, stratified, "true",
                "iid: the same count of every class for each client"),
};

const fed_key_group_t fed_iid_keys = FED_KEY_GROUP("partition", options_t, keys);

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

static size_t share(const fed_piles_t *piles, size_t samples_per_client, size_t clients,
                    size_t client, size_t pile) {
    return samples_per_client > 0
               ? fixed_share(samples_per_client, piles->count, client, pile)
               : equal_share(fed_piles_size(piles, pile), clients, client, piles->first[pile]);
}

/* That there are enough samples in all does not say that there are in each pile. */
static fed_status_t check_piles(const fed_config_t *config, const fed_piles_t *piles,
                                size_t clients, size_t samples_per_client) {
    for (size_t p = 0; p < piles->count; p++) {
        size_t wanted = 0, there = fed_piles_size(piles, p);
        for (size_t k = 0; k < clients; k++)
            wanted += share(piles, samples_per_client, clients, k, p);
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

static fed_status_t deal(const fed_config_t *config, const fed_labels_t *labels,
                         fed_partition_t *partition) {
    size_t clients = (size_t)fed_partition_options(config)->clients, total;
    size_t samples_per_client = (size_t)fed_partition_options(config)->samples_per_client;
    const options_t *options = fed_config_options(config, &fed_iid_keys);
    FED_TRY(fed_piles_supply(config, labels, &total));
    fed_piles_t piles; /* of all samples: what is dealt is their beginning */
    fed_piles_init(&piles, labels, labels->count, options->stratified, fed_seed(config));
    fed_status_t status = check_piles(config, &piles, clients, samples_per_client);
    if (status == FED_OK) {
        FED_AUTOFREE uint32_t *counts = FED_NEW_ARRAY(uint32_t, clients * piles.count);
        for (size_t k = 0; k < clients; k++)
            for (size_t p = 0; p < piles.count; p++)
                counts[k * piles.count + p] =
                    (uint32_t)share(&piles, samples_per_client, clients, k, p);
        fed_piles_deal(&piles, clients, counts, partition);
    }
    fed_piles_fini(&piles);
    return status;
}

const fed_partition_scheme_t fed_scheme_iid = {
    .plugin = {.name = "iid",
               .summary = "the same distribution for every client, by class or fully shuffled",
               .keys = {&fed_iid_keys}},
    .deal = deal,
};
