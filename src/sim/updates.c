/* From what a set of clients sends to its aggregate: exact sums, or single updates of which the
 * server looks at a piece of everybody's at a time, so that its memory does not grow with the
 * model. */
#include "handle.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/sim/federated.h"

#include <string.h>

static bool is_single(const fed_problem_t *problem) {
    return fed_aggregation_is_single(problem->method->aggregation);
}

void fed_updates_begin(fed_engine_t *engine) {
    size_t here = engine->queued;
    if (!is_single(engine->problem) || here <= engine->updates_capacity)
        return;
    fed_free(engine->updates);
    engine->updates = FED_NEW_ARRAY(float, here *fed_engine_up_length(engine));
    engine->updates_capacity = here;
}

float *fed_updates_place(const fed_engine_t *engine, size_t index) {
    return is_single(engine->problem) ? engine->updates + index * fed_engine_up_length(engine)
                                      : NULL;
}

/* Add up the sums of all ranks on the server, and decode them. Collective. */
static void gather_sums(fed_engine_t *engine) {
    size_t count = fed_engine_up_length(engine);
    if (fed_federated_options(engine->problem->config)->collective == FED_COLLECTIVE_GATHER)
        fed_comm_gather_sums(engine->comm, engine->sums, count);
    else
        fed_comm_reduce_sums(engine->comm, engine->sums, count);
    if (engine->up)
        fed_fixed_decode_double(count, engine->sums, engine->up);
}

/* Coordinates of a piece: whole blocks of distances, and no more than the buffer holds. */
static size_t piece_width(size_t clients) {
    size_t blocks =
        FED_GATHER_BUFFER_BYTES / sizeof(float) / FED_DISTANCE_BLOCK / (clients ? clients : 1);
    return (blocks ? blocks : 1) * FED_DISTANCE_BLOCK;
}

/* Whom the rule sees: everybody but the clients that diverged. Server only.
 * @param place [out] [participants]: in the order of ranks, where each one's row comes
 * @return how many they are */
static size_t find_seen(const fed_engine_t *engine, size_t *place) {
    size_t ranks = (size_t)fed_comm_size(engine->comm), seen = 0;
    FED_AUTOFREE size_t *next = FED_NEW_ARRAY(size_t, ranks + 1);
    for (size_t r = 0; r < ranks; r++)
        next[r + 1] = next[r] + engine->client_counts[r];
    for (size_t i = 0; i < engine->task_count; i++) {
        size_t row = next[engine->rank_of[i]]++;
        if (!engine->clients[i].diverged)
            place[seen++] = row;
    }
    return seen;
}

/* The coordinates first .. first+width-1 of those whom the rule sees, in their order, on the
 * server: values[out] [seen][width]. Collective. */
static void gather_piece(const fed_engine_t *engine, size_t seen, const size_t *place, size_t first,
                         size_t width, float *values) {
    size_t here = engine->queued, participants = engine->task_count;
    size_t length = fed_engine_up_length(engine), bytes = width * sizeof(float);
    FED_AUTOFREE float *own = FED_NEW_ARRAY(float, here *width);
    for (size_t i = 0; i < here; i++)
        memcpy(own + i * width, engine->updates + i * length + first, bytes);
    FED_AUTOFREE float *all =
        FED_NEW_ARRAY(float, fed_comm_is_server(engine->comm) ? participants *width : 0);
    fed_comm_gather_rows(engine->comm, own, engine->client_counts, bytes, all);
    for (size_t i = 0; i < seen; i++)
        memcpy(values + i * width, all + place[i] * width, bytes);
}

/* Add this rank's chosen clients to the sums, with equal weights. */
static void add_chosen(fed_engine_t *engine, const bool *chosen, size_t chosen_count) {
    uint32_t rank = (uint32_t)fed_comm_rank(engine->comm);
    size_t length = fed_engine_up_length(engine);
    FED_AUTOFREE float *zero = FED_NEW_ARRAY(float, length);
    double squared_norm, weight = 1 / (double)chosen_count;
    const float *row = engine->updates;
    for (size_t i = 0; i < engine->task_count; i++) {
        if (engine->rank_of[i] != rank)
            continue;
        if (chosen[i])
            fed_fixed_accumulate(length, row, zero, weight, engine->sums, &squared_norm);
        row += length;
    }
}

/* Among those whom the rule sees: chosen[out] [participants]. Server only. */
static void choose_among(const fed_engine_t *engine, size_t seen, const double *distances,
                         bool *chosen) {
    const fed_problem_t *problem = engine->problem;
    FED_AUTOFREE bool *chosen_seen = FED_NEW_ARRAY(bool, seen);
    problem->method->aggregation->choose(fed_aggregation_tolerated(problem->config, seen), seen,
                                         distances, chosen_seen);
    for (size_t i = 0, next = 0; i < engine->task_count; i++)
        chosen[i] = !engine->clients[i].diverged && chosen_seen[next++];
}

/* The server chooses, all learn whom. Collective. */
static void choose(fed_engine_t *engine, size_t seen, const double *distances) {
    size_t participants = engine->task_count, chosen_count = 0;
    FED_AUTOFREE bool *chosen = FED_NEW_ARRAY(bool, participants);
    if (seen > 0)
        choose_among(engine, seen, distances, chosen);
    fed_comm_broadcast(engine->comm, chosen, participants * sizeof *chosen);
    for (size_t i = 0; i < participants; i++)
        chosen_count += chosen[i];
    add_chosen(engine, chosen, chosen_count);
    gather_sums(engine);
}

static void aggregate_single(fed_engine_t *engine) {
    const fed_aggregation_t *rule = engine->problem->method->aggregation;
    size_t participants = engine->task_count, length = fed_engine_up_length(engine);
    size_t width = piece_width(participants);
    if (participants == 0)
        return;
    FED_AUTOFREE size_t *place = FED_NEW_ARRAY(size_t, participants);
    size_t seen = fed_comm_is_server(engine->comm) ? find_seen(engine, place) : 0;
    size_t tolerated = fed_aggregation_tolerated(engine->problem->config, seen);
    FED_AUTOFREE float *values = FED_NEW_ARRAY(float, seen *width);
    FED_AUTOFREE double *distances = FED_NEW_ARRAY(double, rule->choose ? seen *seen : 0);
    for (size_t first = 0; first < length; first += width) {
        size_t count = length - first < width ? length - first : width;
        gather_piece(engine, seen, place, first, count, values);
        if (seen > 0 && rule->coordinates)
            rule->coordinates(tolerated, seen, count, values, engine->up + first);
        else if (seen > 0)
            fed_aggregation_add_distances(seen, count, values, distances);
    }
    if (rule->choose)
        choose(engine, seen, distances);
}

void fed_updates_aggregate(fed_engine_t *engine) {
    if (is_single(engine->problem))
        aggregate_single(engine);
    else
        gather_sums(engine);
}

size_t fed_engine_updates_bytes(const fed_problem_t *problem, size_t clients_here) {
    size_t update = problem->method->slots.lengths[FED_OWNER_UP] * sizeof(float);
    return is_single(problem) ? clients_here * update : 0;
}

size_t fed_engine_piece_bytes(const fed_problem_t *problem) {
    return is_single(problem) ? 2 * FED_GATHER_BUFFER_BYTES : 0;
}
