/* Who takes part in a round, and on which rank each trains. */
#include "fedmpi/sim/federation.h"

#include "fedmpi/comm/shared.h"
#include "fedmpi/comm/workers.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/sim/placement.h"

#include <string.h>

bool fed_is_tracked(const fed_config_t *config, uint32_t client) {
    const fed_list_t *tracked = &config->federated.tracked_clients;
    for (size_t i = 0; i < tracked->count; i++)
        if (tracked->values[i] == client)
            return true;
    return false;
}

/* Training time in samples: what it trains on, its update, its evaluations. */
static size_t cost_of(const fed_run_t *run, uint32_t client) {
    const fed_config_t *config = &run->config;
    size_t samples = fed_partition_count(&run->partition, client);
    size_t epochs = (size_t)fed_client_epochs(run->method.algorithm, config, samples);
    size_t cost = epochs * samples + (size_t)config->training.batch_size;
    if (fed_is_tracked(config, client)) /* inference takes a third of a training step */
        cost += epochs * run->dataset.test.count / 3;
    return cost;
}

/* ranks[i] is where clients[i] trains: the costliest first, to the least loaded worker.
 * order[], if it is wanted, are the numbers i, the costliest first. */
static void place(const fed_run_t *run, const uint32_t *clients, size_t count, uint32_t *ranks,
                  uint32_t *order) {
    FED_AUTOFREE size_t *cost = FED_NEW_ARRAY(size_t, count);
    for (size_t i = 0; i < count; i++)
        cost[i] = cost_of(run, clients[i]);
    fed_place(cost, count, (size_t)fed_comm_workers(run->comm), ranks, order);
    for (size_t i = 0; i < count; i++)
        ranks[i] = (uint32_t)fed_comm_worker(run->comm, (int)ranks[i]);
}

void fed_federation_place_all(const fed_run_t *run, uint32_t *rank) {
    size_t clients = run->partition.clients;
    FED_AUTOFREE uint32_t *all = FED_NEW_ARRAY(uint32_t, clients);
    for (size_t k = 0; k < clients; k++)
        all[k] = (uint32_t)k;
    place(run, all, clients, rank, NULL);
}

/* Keep of the queue what this rank trains, or may. */
static void filter_queue(fed_federation_t *federation) {
    const fed_comm_t *comm = federation->run->comm;
    federation->queued = 0;
    for (size_t at = 0; fed_comm_works(comm) && at < federation->selection.count; at++) {
        uint32_t i = federation->queue[at];
        int rank = (int)federation->rank_of[i];
        if (federation->turns ? fed_comm_is_near(comm, rank) : rank == fed_comm_rank(comm))
            federation->queue[federation->queued++] = i;
    }
}

void fed_federation_select(fed_federation_t *federation, int64_t round) {
    fed_selection_t *selection = &federation->selection;
    fed_selection_draw(selection, (uint32_t)round);
    if (federation->home)
        for (size_t i = 0; i < selection->count; i++)
            federation->rank_of[i] = federation->home[selection->chosen[i]];
    else
        place(federation->run, selection->chosen, selection->count, federation->rank_of,
              federation->queue);
    for (size_t i = 0; !federation->turns && i < selection->count; i++)
        federation->queue[i] = (uint32_t)i;
    filter_queue(federation);
}

bool fed_federation_next(const fed_federation_t *federation, int64_t round, size_t taken,
                         size_t *i) {
    if (federation->queued == 0) /* takes nobody's turn */
        return false;
    size_t turn =
        federation->turns ? fed_shared_take_turn(federation->turns, (uint32_t)round) : taken;
    if (turn < federation->queued)
        *i = federation->queue[turn];
    return turn < federation->queued;
}

size_t fed_federation_load(const fed_federation_t *federation) {
    size_t ranks = (size_t)fed_comm_size(federation->run->comm), largest = 0;
    FED_AUTOFREE size_t *load = FED_NEW_ARRAY(size_t, ranks);
    for (size_t i = 0; i < federation->selection.count; i++) {
        size_t *mine = &load[federation->rank_of[i]];
        *mine += cost_of(federation->run, federation->selection.chosen[i]);
        largest = *mine > largest ? *mine : largest;
    }
    return largest;
}
