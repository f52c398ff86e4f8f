/* Drawing the participants of a round. */
#include "fedmpi/fl/selection.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/random.h"

#include <stdlib.h>

fed_status_t fed_selection_check(const fed_config_t *config, size_t clients) {
    if ((size_t)config->federated.clients_per_round > clients)
        return fed_config_fail(config, "federated.clients_per_round",
                               "there are %zu clients; 0 takes all", clients);
    if (config->federated.sampling == FED_SAMPLING_POISSON &&
        config->federated.clients_per_round > 0)
        return fed_config_fail(config, "federated.clients_per_round",
                               "federated.sampling = poisson draws each client with probability "
                               "federated.participation; accepted is 0");
    return FED_OK;
}

void fed_selection_init(fed_selection_t *selection, const fed_config_t *config,
                        const fed_partition_t *partition) {
    size_t clients = partition->clients, per_round = (size_t)config->federated.clients_per_round;
    if (per_round == 0 || per_round > clients)
        per_round = clients;
    *selection = (fed_selection_t){
        .config = config,
        .partition = partition,
        .seed = (uint64_t)config->experiment.seed,
        .per_round = per_round,
        .capacity = config->federated.sampling == FED_SAMPLING_POISSON ? clients : per_round,
        .shuffled = FED_NEW_ARRAY(uint32_t, clients),
    };
    selection->chosen = FED_NEW_ARRAY(uint32_t, selection->capacity);
    for (size_t k = 0; k < clients; k++)
        selection->shuffled[k] = (uint32_t)k;
}

void fed_selection_fini(fed_selection_t *selection) {
    fed_free(selection->shuffled);
    fed_free(selection->chosen);
    *selection = (fed_selection_t){0};
}

static void swap(uint32_t *a, uint32_t *b) {
    uint32_t was = *a;
    *a = *b;
    *b = was;
}

static int ascending(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* Is what has this probability true of the client in this round? */
static bool happens(const fed_selection_t *selection, fed_purpose_t purpose, uint32_t round,
                    size_t client, double probability) {
    fed_stream_t stream = {.seed = selection->seed, .purpose = purpose, .when = round};
    return fed_random_uniform(&stream, (uint32_t)client) < probability;
}

/* Clients that are available, ascending: pool[out]. @return how many */
static size_t find_available(const fed_selection_t *selection, uint32_t round, uint32_t *pool) {
    double availability = selection->config->federated.availability;
    size_t available = 0;
    for (size_t k = 0; k < selection->partition->clients; k++)
        if (happens(selection, FED_RANDOM_AVAILABILITY, round, k, availability))
            pool[available++] = (uint32_t)k;
    return available;
}

/* The first K steps of a shuffle of pool[available]; `chosen` remembers the swaps, which
 * are then undone, so that a draw costs K and not the number of clients. */
static size_t draw_uniform(fed_selection_t *selection, uint32_t round, uint32_t *pool,
                           size_t available) {
    fed_stream_t stream = {
        .seed = selection->seed, .purpose = FED_RANDOM_PARTICIPANTS, .when = round};
    uint32_t *chosen = selection->chosen;
    size_t drawn = selection->per_round < available ? selection->per_round : available;
    for (size_t i = 0; i < drawn; i++) {
        uint32_t left = (uint32_t)(available - i);
        chosen[i] = (uint32_t)i + fed_random_below(&stream, (uint32_t)i, left);
        swap(&pool[i], &pool[chosen[i]]);
    }
    for (size_t i = drawn; i-- > 0;) {
        uint32_t client = pool[i];
        swap(&pool[i], &pool[chosen[i]]);
        chosen[i] = client;
    }
    return drawn;
}

/* --- Weighted draws: a tree of sums (Fenwick 1994) over the clients' samples ------------ */

/* tree[i], from 1, is the sum of the entries i - lowbit(i) + 1 .. i; add to one entry. */
static void tree_add(size_t *tree, size_t count, size_t entry, size_t amount) {
    for (size_t i = entry + 1; i <= count; i += i & -i)
        tree[i] += amount; /* modulo 2^64: negative amounts subtract */
}

/* The entry in whose part of the sum the position lies. */
static size_t tree_find(const size_t *tree, size_t count, size_t position) {
    size_t at = 0, stride = 1;
    while (stride * 2 <= count)
        stride *= 2;
    for (; stride > 0; stride /= 2)
        if (at + stride <= count && tree[at + stride] <= position) {
            at += stride;
            position -= tree[at];
        }
    return at;
}

/* One after another, each of those left in proportion to its samples. */
static size_t draw_weighted(fed_selection_t *selection, uint32_t round, const uint32_t *pool,
                            size_t available) {
    fed_stream_t stream = {
        .seed = selection->seed, .purpose = FED_RANDOM_PARTICIPANTS, .when = round};
    FED_AUTOFREE size_t *tree = FED_NEW_ARRAY(size_t, available + 1);
    size_t total = 0, drawn = 0;
    for (size_t i = 0; i < available; i++) {
        size_t samples = fed_partition_count(selection->partition, pool[i]);
        tree_add(tree, available, i, samples);
        total += samples;
    }
    for (; drawn < selection->per_round && total > 0; drawn++) {
        size_t position = fed_random_below(&stream, (uint32_t)drawn, (uint32_t)total);
        size_t entry = tree_find(tree, available, position);
        selection->chosen[drawn] = pool[entry];
        size_t samples = fed_partition_count(selection->partition, pool[entry]);
        tree_add(tree, available, entry, -samples);
        total -= samples;
    }
    return drawn;
}

/* --------------------------------------------------------------------------------------- */

static size_t draw_poisson(fed_selection_t *selection, uint32_t round, const uint32_t *pool,
                           size_t available) {
    double probability = selection->config->federated.participation;
    size_t drawn = 0;
    for (size_t i = 0; i < available; i++)
        if (happens(selection, FED_RANDOM_PARTICIPANTS, round, pool[i], probability))
            selection->chosen[drawn++] = pool[i];
    return drawn;
}

static size_t draw(fed_selection_t *selection, uint32_t round, uint32_t *pool, size_t available) {
    switch ((fed_sampling_t)selection->config->federated.sampling) {
    case FED_SAMPLING_UNIFORM:
        return draw_uniform(selection, round, pool, available);
    case FED_SAMPLING_WEIGHTED:
        return draw_weighted(selection, round, pool, available);
    case FED_SAMPLING_POISSON:
        return draw_poisson(selection, round, pool, available);
    }
    return 0;
}

static void drop_out(fed_selection_t *selection, uint32_t round) {
    double dropout = selection->config->federated.dropout;
    selection->count = 0;
    for (size_t i = 0; i < selection->drawn; i++) {
        uint32_t client = selection->chosen[i];
        if (!happens(selection, FED_RANDOM_DROPOUT, round, client, dropout))
            selection->chosen[selection->count++] = client;
    }
}

void fed_selection_draw(fed_selection_t *selection, uint32_t round) {
    size_t clients = selection->partition->clients;
    if (selection->config->federated.availability < 1) {
        FED_AUTOFREE uint32_t *pool = FED_NEW_ARRAY(uint32_t, clients);
        size_t available = find_available(selection, round, pool);
        selection->drawn = draw(selection, round, pool, available);
    } else
        selection->drawn = draw(selection, round, selection->shuffled, clients);
    qsort(selection->chosen, selection->drawn, sizeof *selection->chosen, ascending);
    drop_out(selection, round);
}
