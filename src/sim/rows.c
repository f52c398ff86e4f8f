/* Rows of a set's clients: where each rank writes them, and how they come to the server. */
#include "handle.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROWS 64                  /* that there is room for */
#define WINDOW_BYTES ((size_t)1 << 20) /* of rows that the server holds at a time */

size_t fed_engine_rows_bytes(const fed_problem_t *problem, size_t clients_here) {
    size_t cells = problem->method->client_columns.count;
    return clients_here * (sizeof(fed_client_row_t) + cells * sizeof(fed_cell_t));
}

size_t fed_engine_window_bytes(void) {
    return WINDOW_BYTES;
}

static fed_client_row_t *row_at(const fed_engine_t *engine, char *rows, size_t index) {
    return (fed_client_row_t *)(rows + index * engine->row_bytes);
}

static void reserve_rows(fed_engine_t *engine, size_t rows) {
    if (rows <= engine->row_capacity)
        return;
    engine->rows = fed_grow(engine->rows, engine->row_capacity, rows, engine->row_bytes);
    engine->row_capacity = rows;
}

static void reserve_epochs(fed_engine_t *engine) {
    const fed_problem_t *problem = engine->problem;
    size_t epochs = 0;
    for (size_t i = 0; i < engine->task_count; i++)
        if (fed_problem_tracks(problem, engine->tasks[i].client))
            epochs += fed_problem_epochs(problem, engine->tasks[i].client);
    if (engine->local_epochs && epochs <= engine->epoch_capacity)
        return;
    fed_free(engine->local_epochs);
    engine->local_epochs = FED_NEW_ARRAY(fed_local_epoch_row_t, epochs);
    engine->epoch_capacity = epochs;
}

/* Nobody knows before how many clients a rank will take. */
void fed_rows_begin(fed_engine_t *engine) {
    reserve_epochs(engine);
    reserve_rows(engine, FIRST_ROWS);
}

fed_client_row_t *fed_rows_client(fed_engine_t *engine, size_t index) {
    if (index == engine->row_capacity)
        reserve_rows(engine, 2 * index);
    return row_at(engine, engine->rows, index);
}

static int by_client(const void *a, const void *b) {
    const fed_client_row_t *left = a, *right = b;
    return (left->client > right->client) - (left->client < right->client);
}

static int by_client_and_epoch(const void *a, const void *b) {
    const fed_local_epoch_row_t *left = a, *right = b;
    if (left->client != right->client)
        return left->client < right->client ? -1 : 1;
    return (left->epoch > right->epoch) - (left->epoch < right->epoch);
}

static size_t sum(const size_t *counts, size_t count) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += counts[i];
    return total;
}

/* Everybody's rows, rank by rank; the caller frees them. Nothing elsewhere than on the server. */
static void *gather(const fed_engine_t *engine, const void *rows, const size_t *counts,
                    size_t row_bytes) {
    bool is_server = fed_comm_is_server(engine->comm);
    size_t total = is_server ? sum(counts, (size_t)fed_comm_size(engine->comm)) : 0;
    void *all = fed_alloc(total, row_bytes);
    fed_comm_gather_rows(engine->comm, rows, counts, row_bytes, all);
    return all;
}

/* Windows: the set's clients, cut into pieces whose rows the server holds at a time. */
static size_t clients_of_window(const fed_engine_t *engine) {
    return WINDOW_BYTES / engine->row_bytes;
}

static size_t count_windows(const fed_engine_t *engine) {
    size_t each = clients_of_window(engine);
    return (engine->task_count + each - 1) / each;
}

/* How many of this rank's rows, which are in the order of clients, fall into each window. */
static void count_slices(const fed_engine_t *engine, size_t windows, size_t *slices) {
    size_t rows = engine->client_counts[fed_comm_rank(engine->comm)], row = 0;
    for (size_t w = 0; w < windows; w++) {
        size_t end = (w + 1) * clients_of_window(engine), before = row;
        bool is_last = end >= engine->task_count;
        while (row < rows &&
               (is_last || row_at(engine, engine->rows, row)->client < engine->tasks[end].client))
            row++;
        slices[w] = row - before;
    }
}

/* The slices of all ranks on the server, elsewhere this rank's: [ranks][windows]; the caller
 * frees them. Where there is one window all know them. Collective. */
static size_t *list_slices(const fed_engine_t *engine, size_t windows) {
    size_t ranks = (size_t)fed_comm_size(engine->comm);
    size_t *slices = FED_NEW_ARRAY(size_t, ranks * windows);
    if (windows == 1) {
        memcpy(slices, engine->client_counts, ranks * sizeof *slices);
        return slices;
    }
    FED_AUTOFREE size_t *own = FED_NEW_ARRAY(size_t, windows);
    FED_AUTOFREE size_t *ones = FED_NEW_ARRAY(size_t, ranks);
    for (size_t rank = 0; rank < ranks; rank++)
        ones[rank] = 1;
    count_slices(engine, windows, own);
    memcpy(slices + (size_t)fed_comm_rank(engine->comm) * windows, own, windows * sizeof *own);
    fed_comm_gather_rows(engine->comm, own, ones, windows * sizeof *own, slices);
    return slices;
}

/* A client's row is there: its final weight, what the server keeps of it. */
static void take_row(fed_engine_t *engine, size_t task, fed_client_row_t *row,
                     fed_trained_t *trained) {
    row->weight *= trained->grown; /* 1 where nobody diverged: the same bits */
    engine->busy[row->rank] += row->train_seconds;
    engine->diverged[task] = row->diverged != 0;
    if (row->diverged)
        fed_warn("round %lld: client %lld diverged and is left out", (long long)row->round,
                 (long long)row->client);
    else
        fed_account_add(engine, row, trained);
}

/* @param first  place of the window's first client among the tasks */
static void take_window(fed_engine_t *engine, size_t first, char *rows, size_t count,
                        fed_trained_t *trained) {
    const fed_observer_t *observer = &engine->observer;
    qsort(rows, count, engine->row_bytes, by_client);
    for (size_t i = 0; i < count; i++)
        take_row(engine, first + i, row_at(engine, rows, i), trained);
    if (observer->rows && trained->averaged_count > 0)
        observer->rows(observer->context, rows, count);
}

static void gather_clients(fed_engine_t *engine, fed_trained_t *trained) {
    bool is_server = fed_comm_is_server(engine->comm);
    size_t ranks = (size_t)fed_comm_size(engine->comm), rank = (size_t)fed_comm_rank(engine->comm);
    size_t windows = count_windows(engine), each = clients_of_window(engine), sent = 0;
    if (windows == 0)
        return;
    qsort(engine->rows, engine->client_counts[rank], engine->row_bytes, by_client);
    FED_AUTOFREE size_t *slices = list_slices(engine, windows);
    FED_AUTOFREE size_t *counts = FED_NEW_ARRAY(size_t, ranks);
    FED_AUTOFREE char *window =
        fed_alloc(is_server ? (windows > 1 ? each : engine->task_count) : 0, engine->row_bytes);
    for (size_t w = 0; w < windows; w++) {
        for (size_t r = 0; r < ranks; r++)
            counts[r] = slices[r * windows + w];
        fed_comm_gather_rows(engine->comm, row_at(engine, engine->rows, sent), counts,
                             engine->row_bytes, window);
        sent += counts[rank];
        if (is_server)
            take_window(engine, w * each, window, sum(counts, ranks), trained);
    }
}

static void gather_epochs(fed_engine_t *engine, size_t total) {
    size_t row_bytes = sizeof *engine->local_epochs;
    FED_AUTOFREE fed_local_epoch_row_t *rows =
        gather(engine, engine->local_epochs, engine->epoch_counts, row_bytes);
    if (!fed_comm_is_server(engine->comm) || total == 0)
        return;
    qsort(rows, total, row_bytes, by_client_and_epoch);
    memcpy(engine->local_epochs, rows, total * row_bytes);
}

void fed_rows_gather(fed_engine_t *engine, fed_trained_t *trained) {
    size_t ranks = (size_t)fed_comm_size(engine->comm);
    size_t epochs = sum(engine->epoch_counts, ranks);
    gather_clients(engine, trained);
    gather_epochs(engine, epochs);
    if (!fed_comm_is_server(engine->comm))
        return;
    trained->local_epochs = engine->local_epochs;
    trained->local_epoch_count = epochs;
}
