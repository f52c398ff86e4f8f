/* Piles of shuffled samples. */
#include "piles.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/random.h"
#include "fedmpi/core/sort.h"

#include <math.h>

typedef struct levelling_options {
    int64_t min_samples;
} levelling_options_t;

static const fed_key_t keys[] = {
    FED_INTEGER(
        levelling_options_t, min_samples, 1, FED_COUNT_MAX, "10",
        "dirichlet with class_split, quantity: clients with fewer take samples from the largest"),
};

const fed_key_group_t fed_levelling_keys = FED_KEY_GROUP("partition", levelling_options_t, keys);

fed_status_t fed_piles_supply(const fed_config_t *config, const fed_labels_t *labels,
                              size_t *total) {
    size_t clients = (size_t)fed_partition_options(config)->clients;
    size_t each = (size_t)fed_partition_options(config)->samples_per_client;
    if (clients == 0)
        return fed_config_fail(config, "partition.clients",
                               "partition.scheme = %s needs at least 1; 0 is for natural and file",
                               fed_partition_options(config)->scheme->name);
    if (clients > labels->count)
        return fed_config_fail(config, "partition.clients",
                               "the training set has %zu samples, fewer than one a client",
                               labels->count);
    if (each > labels->count / clients)
        return fed_config_fail(config, "partition.samples_per_client",
                               "%zu clients need %zu samples, the training set has %zu; 0 "
                               "shares everything out",
                               clients, clients * each, labels->count);
    *total = each > 0 ? clients * each : labels->count;
    return FED_OK;
}

/* The first `total` of a shuffle. */
static uint32_t *draw_subset(size_t count, size_t total, uint64_t seed) {
    uint32_t *chosen = FED_NEW_ARRAY(uint32_t, count);
    for (size_t i = 0; i < count; i++)
        chosen[i] = (uint32_t)i;
    fed_stream_t stream = {.seed = seed, .purpose = FED_RANDOM_SUBSET};
    if (total < count)
        fed_random_permute(&stream, chosen, count);
    return chosen;
}

void fed_piles_init(fed_piles_t *piles, const fed_labels_t *labels, size_t total, bool by_class,
                    uint64_t seed) {
    piles->count = by_class ? labels->classes : 1;
    piles->first = FED_NEW_ARRAY(size_t, piles->count + 1);
    piles->samples = FED_NEW_ARRAY(uint32_t, total);
    FED_AUTOFREE uint32_t *chosen = draw_subset(labels->count, total, seed);
    for (size_t i = 0; i < total; i++)
        piles->first[by_class ? labels->labels[chosen[i]] + 1 : 1]++;
    for (size_t p = 0; p < piles->count; p++)
        piles->first[p + 1] += piles->first[p];
    FED_AUTOFREE size_t *next = FED_NEW_ARRAY(size_t, piles->count);
    for (size_t i = 0; i < total; i++) {
        size_t p = by_class ? (size_t)labels->labels[chosen[i]] : 0;
        piles->samples[piles->first[p] + next[p]++] = chosen[i];
    }
    for (size_t p = 0; p < piles->count; p++) {
        fed_stream_t stream = {.seed = seed, .purpose = FED_RANDOM_PARTITION, .which = (uint32_t)p};
        fed_random_permute(&stream, piles->samples + piles->first[p], fed_piles_size(piles, p));
    }
}

void fed_piles_fini(fed_piles_t *piles) {
    fed_free(piles->first);
    fed_free(piles->samples);
    *piles = (fed_piles_t){0};
}

size_t fed_piles_size(const fed_piles_t *piles, size_t pile) {
    return piles->first[pile + 1] - piles->first[pile];
}

void fed_piles_apportion(size_t count, const double *shares, size_t total, size_t stride,
                         uint32_t *counts) {
    double sum = 0;
    size_t dealt = 0;
    for (size_t k = 0; k < count; k++) {
        sum += shares[k];
        double until = k + 1 < count ? rint(sum * (double)total) : (double)total;
        size_t end = until < (double)total ? (size_t)until : total;
        counts[k * stride] = (uint32_t)(end - dealt);
        dealt = end;
    }
}

/* --- The minimum ------------------------------------------------------------------------- */

static size_t most_frequent(const uint32_t *counts, size_t piles) {
    size_t best = 0;
    for (size_t p = 1; p < piles; p++)
        if (counts[p] > counts[best])
            best = p;
    return best;
}

static size_t sum_of(const uint32_t *counts, size_t piles) {
    size_t sum = 0;
    for (size_t p = 0; p < piles; p++)
        sum += counts[p];
    return sum;
}

/* Mean over clients of exp(entropy of their classes), as partition/clients has it. */
static double effective_classes(size_t clients, size_t piles, const uint32_t *counts) {
    double sum = 0;
    size_t holders = 0;
    for (size_t k = 0; k < clients; k++, counts += piles) {
        double total = (double)sum_of(counts, piles), entropy = 0;
        for (size_t p = 0; p < piles; p++)
            if (counts[p] > 0)
                entropy -= counts[p] / total * log(counts[p] / total);
        sum += total > 0 ? exp(entropy) : 0;
        holders += total > 0;
    }
    return sum / (double)holders;
}

/* Levelling takes back some of the skew that the other keys ask for. */
static void warn_of_levelling(size_t minimum, size_t levelled, size_t moved, size_t clients,
                              size_t piles, double before, const uint32_t *counts) {
    if (moved == 0)
        return;
    FED_AUTOFREE char *skew =
        piles > 1
            ? fed_format("; effective classes of a client before %.2f, after %.2f, on average",
                         before, effective_classes(clients, piles, counts))
            : fed_strdup("");
    fed_warn(
        "partition.min_samples = %zu: %zu of %zu clients had fewer and took %zu samples from "
        "the largest, which lessens the skew%s",
        minimum, levelled, clients, moved, skew);
}

fed_status_t fed_piles_level(const fed_config_t *config, size_t clients, size_t piles,
                             uint32_t *counts) {
    const levelling_options_t *options = fed_config_options(config, &fed_levelling_keys);
    size_t minimum = (size_t)options->min_samples, total = 0;
    FED_AUTOFREE fed_sized_t *donors = FED_NEW_ARRAY(fed_sized_t, clients);
    for (size_t k = 0; k < clients; k++) {
        donors[k] = (fed_sized_t){sum_of(counts + k * piles, piles), (uint32_t)k};
        total += donors[k].size;
    }
    if (clients * minimum > total)
        return fed_config_fail(config, "partition.min_samples",
                               "%zu clients share %zu samples, %zu each at most", clients, total,
                               total / clients);
    fed_heap_build(FED_LARGEST_FIRST, donors, clients);
    double before = effective_classes(clients, piles, counts);
    size_t levelled = 0, moved = 0;
    for (size_t k = 0; k < clients; k++) {
        size_t has = sum_of(counts + k * piles, piles);
        levelled += has < minimum;
        for (; has < minimum; has++, moved++) {
            uint32_t *from = counts + donors[0].who * piles;
            size_t p = most_frequent(from, piles);
            from[p]--;
            counts[k * piles + p]++;
            donors[0].size--;
            fed_heap_settle(FED_LARGEST_FIRST, donors, clients);
        }
    }
    warn_of_levelling(minimum, levelled, moved, clients, piles, before, counts);
    return FED_OK;
}

void fed_piles_deal(const fed_piles_t *piles, size_t clients, const uint32_t *counts,
                    fed_partition_t *partition) {
    FED_AUTOFREE size_t *taken = FED_NEW_ARRAY(size_t, piles->count);
    size_t dealt = 0;
    partition->clients = clients;
    partition->first = FED_NEW_ARRAY(size_t, clients + 1);
    partition->samples = FED_NEW_ARRAY(uint32_t, piles->first[piles->count]);
    for (size_t k = 0; k < clients; k++) {
        for (size_t p = 0; p < piles->count; p++)
            for (size_t i = 0; i < counts[k * piles->count + p]; i++)
                partition->samples[dealt++] = piles->samples[piles->first[p] + taken[p]++];
        partition->first[k + 1] = dealt;
    }
}
