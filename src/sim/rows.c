/* Rows of all ranks on the server. */
#include "handle.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/core/memory.h"

#include <stdlib.h>
#include <string.h>

static int by_client_and_epoch(const void *a, const void *b) {
    const fed_local_epoch_row_t *left = a, *right = b;
    if (left->client != right->client)
        return left->client < right->client ? -1 : 1;
    return (left->epoch > right->epoch) - (left->epoch < right->epoch);
}

static int by_client(const void *a, const void *b) {
    const fed_client_row_t *left = a, *right = b;
    return (left->client > right->client) - (left->client < right->client);
}

static size_t sum(const size_t *counts, size_t count) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += counts[i];
    return total;
}

/* Everybody's rows in place of this rank's own, sorted; elsewhere than on the server they go. */
static void gather(const fed_engine_t *engine, void *rows, size_t total, const size_t *counts,
                   size_t row_bytes, int (*compare)(const void *, const void *)) {
    bool server = fed_comm_is_server(engine->comm);
    FED_AUTOFREE char *all = fed_alloc(server ? total : 0, row_bytes);
    fed_comm_gather_rows(engine->comm, rows, counts, row_bytes, all);
    if (!server || total == 0)
        return;
    qsort(all, total, row_bytes, compare);
    memcpy(rows, all, total * row_bytes);
}

size_t fed_rows_gather(fed_engine_t *engine) {
    size_t ranks = (size_t)fed_comm_size(engine->comm);
    fed_comm_largest(engine->comm, engine->client_counts, 2 * ranks);
    size_t epochs = sum(engine->epoch_counts, ranks);
    gather(engine, engine->clients, engine->task_count, engine->client_counts,
           sizeof *engine->clients, by_client);
    gather(engine, engine->local_epochs, epochs, engine->epoch_counts, sizeof *engine->local_epochs,
           by_client_and_epoch);
    return epochs;
}
