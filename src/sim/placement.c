/* Places of a round's participants. */
#include "fedmpi/sim/placement.h"

#include "fedmpi/comm/workers.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/sort.h"

#include <stdlib.h>

/* The costliest first; of equal ones the first. */
static int costliest_first(const void *a, const void *b) {
    const fed_sized_t *left = a, *right = b;
    if (left->size != right->size)
        return left->size < right->size ? 1 : -1;
    return (left->who > right->who) - (left->who < right->who);
}

void fed_place(const size_t *cost, size_t tasks, size_t workers, uint32_t *worker,
               uint32_t *order) {
    FED_AUTOFREE fed_sized_t *sorted = FED_NEW_ARRAY(fed_sized_t, tasks);
    FED_AUTOFREE fed_sized_t *loads = FED_NEW_ARRAY(fed_sized_t, workers);
    for (size_t i = 0; i < tasks; i++)
        sorted[i] = (fed_sized_t){cost[i], (uint32_t)i};
    for (size_t i = 0; i < workers; i++)
        loads[i] = (fed_sized_t){0, (uint32_t)i};
    qsort(sorted, tasks, sizeof *sorted, costliest_first);
    for (size_t i = 0; i < tasks; i++) {
        if (order)
            order[i] = sorted[i].who;
        worker[sorted[i].who] = loads[0].who;
        loads[0].size += sorted[i].size;
        fed_heap_settle(FED_SMALLEST_FIRST, loads, workers);
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
