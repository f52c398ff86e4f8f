/* Rows of a set's clients: where each rank writes them, and all of them on the server. */
#include "handle.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/core/memory.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROWS 64 /* that there is room for */

/* Cells of a row. */
static size_t width(const fed_engine_t *engine) {
    return engine->problem->method->client_columns.count;
}

static void reserve_clients(fed_engine_t *engine, size_t rows) {
    size_t before = engine->row_capacity;
    if (rows <= before)
        return;
    engine->client_rows = fed_grow(engine->client_rows, before, rows, sizeof *engine->client_rows);
    engine->cells = fed_grow(engine->cells, before * width(engine), rows * width(engine),
                             sizeof *engine->cells);
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

/* Nobody knows before how many clients a rank will take: but the server will have all. */
void fed_rows_begin(fed_engine_t *engine) {
    reserve_epochs(engine);
    reserve_clients(engine, fed_comm_is_server(engine->comm) ? engine->task_count : FIRST_ROWS);
}

fed_client_row_t *fed_rows_client(fed_engine_t *engine, size_t index, fed_cell_t **cells) {
    if (index == engine->row_capacity)
        reserve_clients(engine, 2 * index);
    *cells = engine->cells + index * width(engine);
    return &engine->client_rows[index];
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

static int find_client(const void *wanted, const void *item) {
    uint32_t client = *(const uint32_t *)wanted, found = ((const fed_task_t *)item)->client;
    return (client > found) - (client < found);
}

/* Each row, and its cells, where its task stands among the tasks. */
static void arrange(fed_engine_t *engine, const fed_client_row_t *rows, const fed_cell_t *cells) {
    size_t count = engine->task_count, cell_bytes = width(engine) * sizeof *cells;
    for (size_t i = 0; i < count; i++) {
        uint32_t client = (uint32_t)rows[i].client;
        const fed_task_t *task =
            bsearch(&client, engine->tasks, count, sizeof *engine->tasks, find_client);
        size_t at = (size_t)(task - engine->tasks);
        engine->client_rows[at] = rows[i];
        memcpy(engine->cells + at * width(engine), cells + i * width(engine), cell_bytes);
    }
}

static void gather_clients(fed_engine_t *engine) {
    const size_t *counts = engine->client_counts;
    FED_AUTOFREE fed_client_row_t *rows =
        gather(engine, engine->client_rows, counts, sizeof *engine->client_rows);
    FED_AUTOFREE fed_cell_t *cells =
        gather(engine, engine->cells, counts, width(engine) * sizeof *engine->cells);
    if (fed_comm_is_server(engine->comm))
        arrange(engine, rows, cells);
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

size_t fed_rows_gather(fed_engine_t *engine) {
    size_t ranks = (size_t)fed_comm_size(engine->comm);
    size_t epochs = sum(engine->epoch_counts, ranks);
    gather_clients(engine);
    gather_epochs(engine, epochs);
    return epochs;
}
