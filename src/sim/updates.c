/* From what a set of clients sends to its aggregate: what the rule looks at is shown to
 * it on the server a piece of everybody's at a time, so that the server's memory does not grow
 * with the model; what has weights is added up exactly. */
#include "handle.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/sim/federated.h"

#include <string.h>

size_t fed_updates_shown(const fed_problem_t *problem) {
    const fed_method_t *method = problem->method;
    return method->aggregation->see ? method->slots.lengths[FED_OWNER_UP] : 0;
}

void fed_updates_begin(fed_engine_t *engine) {
    size_t here = engine->queued, shown = fed_updates_shown(engine->problem);
    if (shown == 0 || here <= engine->updates_capacity)
        return;
    fed_free(engine->updates);
    engine->updates = FED_NEW_ARRAY(float, here *shown);
    engine->updates_capacity = here;
}

float *fed_updates_place(const fed_engine_t *engine, size_t index) {
    return engine->updates ? engine->updates + index * fed_updates_shown(engine->problem) : NULL;
}

/* Add up the sums of all ranks on the server, decode them, and make the weights of those who
 * are left those of all. Collective. */
static void add_up(fed_engine_t *engine, double grown) {
    size_t count = fed_engine_up_length(engine);
    if (fed_federated_options(engine->problem->config)->collective == FED_COLLECTIVE_GATHER)
        fed_comm_gather_sums(engine->comm, engine->sums, count);
    else
        fed_comm_reduce_sums(engine->comm, engine->sums, count);
    if (engine->up)
        fed_fixed_decode_double(count, engine->sums, engine->up);
    for (size_t j = 0; engine->up && grown != 1 && j < count; j++)
        engine->up[j] *= grown;
}

/* Coordinates of a piece: whole blocks, and no more than the buffer holds. */
static size_t piece_width(size_t clients) {
    size_t blocks =
        FED_GATHER_BUFFER_BYTES / sizeof(float) / FED_LOOK_BLOCK / (clients ? clients : 1);
    return (blocks ? blocks : 1) * FED_LOOK_BLOCK;
}

/* Whom the rule sees: everybody but the clients that diverged. Server only.
 * @param place [out] [participants]: in the order of ranks, where each one's vector comes
 * @return how many they are */
static size_t find_seen(const fed_engine_t *engine, size_t *place) {
    size_t ranks = (size_t)fed_comm_size(engine->comm), seen = 0;
    FED_AUTOFREE size_t *next = FED_NEW_ARRAY(size_t, ranks + 1);
    for (size_t r = 0; r < ranks; r++)
        next[r + 1] = next[r] + engine->client_counts[r];
    for (size_t i = 0; i < engine->task_count; i++) {
        size_t at = next[engine->rank_of[i]]++;
        if (!engine->diverged[i])
            place[seen++] = at;
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

/* What weighs nothing is left as it is. @param weights  [participants] */
static void add_shown(fed_engine_t *engine, const double *weights) {
    uint32_t rank = (uint32_t)fed_comm_rank(engine->comm);
    size_t length = fed_engine_up_length(engine);
    FED_AUTOFREE float *zero = FED_NEW_ARRAY(float, length);
    double squared_norm;
    const float *vector = engine->updates;
    for (size_t i = 0; i < engine->task_count; i++) {
        if (engine->rank_of[i] != rank)
            continue;
        if (weights[i] > 0)
            fed_fixed_accumulate(length, vector, zero, weights[i], engine->sums, &squared_norm);
        vector += length;
    }
}

/* The server's rule says what each client weighs, and every rank adds its own. Collective. */
static void weigh(fed_engine_t *engine, const fed_look_t *look) {
    const fed_aggregation_t *rule = engine->problem->method->aggregation;
    size_t participants = engine->task_count;
    FED_AUTOFREE double *weights = FED_NEW_ARRAY(double, participants);
    FED_AUTOFREE double *seen = FED_NEW_ARRAY(double, look->clients);
    if (look->clients > 0)
        rule->weigh(look, seen);
    for (size_t i = 0, next = 0; look->clients > 0 && i < participants; i++)
        weights[i] = engine->diverged[i] ? 0 : seen[next++];
    fed_comm_broadcast(engine->comm, weights, participants * sizeof *weights);
    add_shown(engine, weights);
}

/* The rule's look at everybody, and what follows from it. Collective. */
static void look_at_shown(fed_engine_t *engine) {
    const fed_aggregation_t *rule = engine->problem->method->aggregation;
    size_t length = fed_engine_up_length(engine), width = piece_width(engine->task_count);
    FED_AUTOFREE size_t *place = FED_NEW_ARRAY(size_t, engine->task_count);
    fed_look_t look = {.aggregate = engine->up};
    look.clients = fed_comm_is_server(engine->comm) ? find_seen(engine, place) : 0;
    look.tolerated = fed_aggregation_tolerated(engine->problem->config, look.clients);
    FED_AUTOFREE float *values = FED_NEW_ARRAY(float, look.clients *width);
    FED_AUTOFREE double *memory =
        FED_NEW_ARRAY(double, rule->memory ? rule->memory(look.clients) : 0);
    look.memory = memory;
    for (size_t first = 0; engine->task_count > 0 && first < length; first += width) {
        size_t count = length - first < width ? length - first : width;
        gather_piece(engine, look.clients, place, first, count, values);
        if (look.clients > 0)
            rule->see(&look, first, count, values);
    }
    if (rule->weigh)
        weigh(engine, &look);
}

void fed_updates_aggregate(fed_engine_t *engine, double grown) {
    const fed_aggregation_t *rule = engine->problem->method->aggregation;
    if (rule->see) {
        look_at_shown(engine);
        grown = 1; /* what it weighs are those who are left */
    }
    if (!rule->see || rule->weigh)
        add_up(engine, grown);
}

size_t fed_engine_updates_bytes(const fed_problem_t *problem, size_t clients_here) {
    return clients_here * fed_updates_shown(problem) * sizeof(float);
}

size_t fed_engine_piece_bytes(const fed_problem_t *problem) {
    return fed_updates_shown(problem) > 0 ? 2 * FED_GATHER_BUFFER_BYTES : 0;
}
