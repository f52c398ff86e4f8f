/* On which rank each task of a set trains, and when. */
#include "handle.h"

#include "fedmpi/comm/workers.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/sim/placement.h"

static size_t cost_of(const fed_engine_t *engine, size_t i) {
    return fed_problem_cost(engine->problem, engine->tasks[i].client);
}

/* The costliest first, to the least loaded worker. */
static void place_freely(fed_engine_t *engine) {
    size_t count = engine->task_count;
    FED_AUTOFREE size_t *cost = FED_NEW_ARRAY(size_t, count);
    for (size_t i = 0; i < count; i++)
        cost[i] = cost_of(engine, i);
    fed_place(cost, count, (size_t)fed_comm_workers(engine->comm), engine->rank_of, engine->queue);
    for (size_t i = 0; i < count; i++)
        engine->rank_of[i] = (uint32_t)fed_comm_worker(engine->comm, (int)engine->rank_of[i]);
}

/* Keep of the queue what this rank trains, or may. */
static void filter_queue(fed_engine_t *engine) {
    const fed_comm_t *comm = engine->comm;
    engine->queued = 0;
    for (size_t at = 0; fed_comm_works(comm) && at < engine->task_count; at++) {
        uint32_t i = engine->queue[at];
        int rank = (int)engine->rank_of[i];
        if (engine->turns ? fed_comm_is_near(comm, rank) : rank == fed_comm_rank(comm))
            engine->queue[engine->queued++] = i;
    }
}

void fed_turns_place(fed_engine_t *engine) {
    if (engine->home)
        for (size_t i = 0; i < engine->task_count; i++)
            engine->rank_of[i] = engine->home[engine->tasks[i].client];
    else
        place_freely(engine);
    for (size_t i = 0; !engine->turns && i < engine->task_count; i++)
        engine->queue[i] = (uint32_t)i;
    filter_queue(engine);
}

bool fed_turns_next(const fed_engine_t *engine, size_t taken, size_t *i) {
    if (engine->queued == 0) /* takes nobody's turn */
        return false;
    size_t turn = engine->turns ? fed_shared_take_turn(engine->turns, engine->sets) : taken;
    if (turn < engine->queued)
        *i = engine->queue[turn];
    return turn < engine->queued;
}

size_t fed_turns_load(const fed_engine_t *engine) {
    size_t largest = 0;
    FED_AUTOFREE size_t *load = FED_NEW_ARRAY(size_t, (size_t)fed_comm_size(engine->comm));
    for (size_t i = 0; i < engine->task_count; i++) {
        size_t *mine = &load[engine->rank_of[i]];
        *mine += cost_of(engine, i);
        largest = *mine > largest ? *mine : largest;
    }
    return largest;
}
