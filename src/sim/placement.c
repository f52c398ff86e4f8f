/* Places of a round's participants. */
#include "fedmpi/sim/placement.h"

#include "fedmpi/comm/workers.h"
#include "fedmpi/core/memory.h"

#include <stdlib.h>

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

void fed_place(const size_t *cost, size_t tasks, size_t workers, uint32_t *worker,
               uint32_t *order) {
    FED_AUTOFREE task_t *sorted = FED_NEW_ARRAY(task_t, tasks);
    FED_AUTOFREE load_t *heap = FED_NEW_ARRAY(load_t, workers);
    for (size_t i = 0; i < tasks; i++)
        sorted[i] = (task_t){cost[i], (uint32_t)i};
    for (size_t i = 0; i < workers; i++)
        heap[i] = (load_t){0, (uint32_t)i};
    qsort(sorted, tasks, sizeof *sorted, costliest_first);
    for (size_t i = 0; i < tasks; i++) {
        if (order)
            order[i] = sorted[i].index;
        worker[sorted[i].index] = heap[0].worker;
        heap[0].cost += sorted[i].cost;
        sift_down(heap, workers);
    }
}

void fed_placement_all(const fed_comm_t *comm, const fed_problem_t *problem, uint32_t *rank) {
    size_t clients = problem->partition->clients;
    FED_AUTOFREE size_t *cost = FED_NEW_ARRAY(size_t, clients);
    for (size_t k = 0; k < clients; k++)
        cost[k] = fed_problem_cost(problem, (uint32_t)k);
    fed_place(cost, clients, (size_t)fed_comm_workers(comm), rank, NULL);
    for (size_t k = 0; k < clients; k++)
        rank[k] = (uint32_t)fed_comm_worker(comm, (int)rank[k]);
}
