/* Participants of a round and their places. */
#include "fedmpi/fl/schedule.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/random.h"

#include <stdlib.h>

void fed_selection_init(fed_selection_t *selection, size_t clients, size_t per_round) {
    if (per_round == 0 || per_round > clients)
        per_round = clients;
    *selection = (fed_selection_t){
        .clients = clients,
        .per_round = per_round,
        .shuffled = FED_NEW_ARRAY(uint32_t, clients),
        .chosen = FED_NEW_ARRAY(uint32_t, per_round),
    };
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

void fed_selection_draw(fed_selection_t *selection, uint64_t seed, uint32_t round) {
    fed_stream_t stream = {.seed = seed, .purpose = FED_RANDOM_PARTICIPANTS, .round = round};
    uint32_t *shuffled = selection->shuffled;
    size_t drawn = selection->per_round, clients = selection->clients;
    if (drawn == clients) {
        for (size_t k = 0; k < clients; k++)
            selection->chosen[k] = (uint32_t)k;
        return;
    }
    /* The first K steps of a shuffle; `chosen` remembers the swaps, which are then
     * undone, so that a draw costs K and not the number of clients. */
    for (size_t i = 0; i < drawn; i++) {
        uint32_t left = (uint32_t)(clients - i);
        selection->chosen[i] = (uint32_t)i + fed_random_below(&stream, (uint32_t)i, left);
        swap(&shuffled[i], &shuffled[selection->chosen[i]]);
    }
    for (size_t i = drawn; i-- > 0;) {
        uint32_t client = shuffled[i];
        swap(&shuffled[i], &shuffled[selection->chosen[i]]);
        selection->chosen[i] = client;
    }
    qsort(selection->chosen, drawn, sizeof *selection->chosen, ascending);
}

typedef struct task {
    size_t cost;
    uint32_t index;
} task_t;

static int costliest_first(const void *a, const void *b) {
    const task_t *left = a, *right = b;
    if (left->cost != right->cost)
        return left->cost < right->cost ? 1 : -1;
    return (left->index > right->index) - (left->index < right->index);
}

typedef struct load {
    size_t cost;
    uint32_t worker;
} load_t;

static int is_lighter(const load_t *a, const load_t *b) {
    return a->cost != b->cost ? a->cost < b->cost : a->worker < b->worker;
}

/* The root of a binary heap became heavier: move it down. */
static void sift_down(load_t *heap, size_t count) {
    for (size_t at = 0;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            return;
        if (child + 1 < count && is_lighter(&heap[child + 1], &heap[child]))
            child++;
        if (!is_lighter(&heap[child], &heap[at]))
            return;
        load_t heavier = heap[at];
        heap[at] = heap[child];
        heap[child] = heavier;
        at = child;
    }
}

void fed_place(const size_t *cost, size_t tasks, size_t workers, uint32_t *worker) {
    FED_AUTOFREE task_t *sorted = FED_NEW_ARRAY(task_t, tasks);
    FED_AUTOFREE load_t *heap = FED_NEW_ARRAY(load_t, workers);
    for (size_t i = 0; i < tasks; i++)
        sorted[i] = (task_t){cost[i], (uint32_t)i};
    for (size_t i = 0; i < workers; i++)
        heap[i] = (load_t){0, (uint32_t)i};
    qsort(sorted, tasks, sizeof *sorted, costliest_first);
    for (size_t i = 0; i < tasks; i++) {
        worker[sorted[i].index] = heap[0].worker;
        heap[0].cost += sorted[i].cost;
        sift_down(heap, workers);
    }
}
