/* Aggregation of single clients' vectors, piece by piece. */
#include "fedmpi/sim/single.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/sim/federated.h"

#include <string.h>

static bool is_single(const fed_run_t *run) {
    return fed_aggregation_is_single(run->method.aggregation);
}

/* Numbers that a client sends. */
static size_t row_length(const fed_federation_t *federation) {
    return federation->run->method.slots.lengths[FED_OWNER_UP];
}

void fed_single_begin(fed_federation_t *federation) {
    size_t here = federation->queued;
    if (!is_single(federation->run) || here <= federation->rows_capacity)
        return;
    fed_free(federation->rows);
    federation->rows = FED_NEW_ARRAY(float, here *row_length(federation));
    federation->rows_capacity = here;
}

float *fed_single_row(const fed_federation_t *federation, size_t index) {
    return is_single(federation->run) ? federation->rows + index * row_length(federation) : NULL;
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
static size_t find_seen(const fed_federation_t *federation, size_t *place) {
    size_t ranks = (size_t)fed_comm_size(federation->run->comm), seen = 0;
    FED_AUTOFREE size_t *next = FED_NEW_ARRAY(size_t, ranks + 1);
    for (size_t r = 0; r < ranks; r++)
        next[r + 1] = next[r] + federation->client_rows[r];
    for (size_t i = 0; i < federation->selection.count; i++) {
        size_t row = next[federation->rank_of[i]]++;
        if (!federation->clients[i].diverged)
            place[seen++] = row;
    }
    return seen;
}

/* The coordinates first .. first+width-1 of those whom the rule sees, in their order, on the
 * server: values[out] [seen][width]. Collective. */
static void gather_piece(const fed_federation_t *federation, size_t seen, const size_t *place,
                         size_t first, size_t width, float *values) {
    size_t here = federation->queued, participants = federation->selection.count;
    size_t length = row_length(federation), bytes = width * sizeof(float);
    FED_AUTOFREE float *own = FED_NEW_ARRAY(float, here *width);
    for (size_t i = 0; i < here; i++)
        memcpy(own + i * width, federation->rows + i * length + first, bytes);
    FED_AUTOFREE float *all = FED_NEW_ARRAY(float, federation->server ? participants *width : 0);
    fed_comm_gather_rows(federation->run->comm, own, federation->client_rows, bytes, all);
    for (size_t i = 0; i < seen; i++)
        memcpy(values + i * width, all + place[i] * width, bytes);
}

/* Add this rank's chosen clients to the sums, with equal weights. */
static void add_chosen(fed_federation_t *federation, const bool *chosen, size_t chosen_count) {
    uint32_t rank = (uint32_t)fed_comm_rank(federation->run->comm);
    size_t length = row_length(federation);
    FED_AUTOFREE float *zero = FED_NEW_ARRAY(float, length);
    double squared_norm, weight = 1 / (double)chosen_count;
    const float *row = federation->rows;
    for (size_t i = 0; i < federation->selection.count; i++) {
        if (federation->rank_of[i] != rank)
            continue;
        if (chosen[i])
            fed_fixed_accumulate(length, row, zero, weight, federation->sums, &squared_norm);
        row += length;
    }
}

/* Among those whom the rule sees: chosen[out] [participants]. Server only. */
static void choose_among(const fed_federation_t *federation, size_t seen, const double *distances,
                         bool *chosen) {
    const fed_run_t *run = federation->run;
    FED_AUTOFREE bool *chosen_seen = FED_NEW_ARRAY(bool, seen);
    run->method.aggregation->choose(fed_aggregation_tolerated(&run->config, seen), seen, distances,
                                    chosen_seen);
    for (size_t i = 0, next = 0; i < federation->selection.count; i++)
        chosen[i] = !federation->clients[i].diverged && chosen_seen[next++];
}

/* The server chooses, all learn whom. Collective. */
static void choose(fed_federation_t *federation, size_t seen, const double *distances) {
    size_t participants = federation->selection.count, chosen_count = 0;
    FED_AUTOFREE bool *chosen = FED_NEW_ARRAY(bool, participants);
    if (seen > 0)
        choose_among(federation, seen, distances, chosen);
    fed_comm_broadcast(federation->run->comm, chosen, participants * sizeof *chosen);
    for (size_t i = 0; i < participants; i++)
        chosen_count += chosen[i];
    add_chosen(federation, chosen, chosen_count);
    fed_gather_sums(federation);
}

void fed_single_aggregate(fed_federation_t *federation) {
    const fed_aggregation_t *rule = federation->run->method.aggregation;
    size_t participants = federation->selection.count, length = row_length(federation);
    size_t width = piece_width(participants);
    if (participants == 0)
        return;
    FED_AUTOFREE size_t *place = FED_NEW_ARRAY(size_t, participants);
    size_t seen = federation->server ? find_seen(federation, place) : 0;
    size_t tolerated = fed_aggregation_tolerated(&federation->run->config, seen);
    FED_AUTOFREE float *values = FED_NEW_ARRAY(float, seen *width);
    FED_AUTOFREE double *distances = FED_NEW_ARRAY(double, rule->choose ? seen *seen : 0);
    for (size_t first = 0; first < length; first += width) {
        size_t count = length - first < width ? length - first : width;
        gather_piece(federation, seen, place, first, count, values);
        if (seen > 0 && rule->coordinates)
            rule->coordinates(tolerated, seen, count, values, federation->server->up + first);
        else if (seen > 0)
            fed_aggregation_add_distances(seen, count, values, distances);
    }
    if (rule->choose)
        choose(federation, seen, distances);
}

size_t fed_single_client_bytes(const fed_run_t *run, size_t here) {
    size_t row = run->method.slots.lengths[FED_OWNER_UP] * sizeof(float);
    return is_single(run) ? here * row : 0;
}

size_t fed_single_server_bytes(const fed_run_t *run) {
    return is_single(run) ? 2 * FED_GATHER_BUFFER_BYTES : 0;
}
