/* A checkpoint behind its checksum: the bundle inside, as somebody may have made it.
 *
 * With FEDMPI_FUZZ_SEED=FILE the target writes a valid input and ends. */
#include "input.h"
#include "tiny.h"

#include "fedmpi/app/checkpoint.h"
#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_BYTES 512 /* of a sealed file */

static void *empty_results; /* the image of a record without rows */
static size_t empty_bytes;

static void fresh_record(fed_federation_t *federation) {
    fed_record_t *record = &federation->server->record;
    *record = (fed_record_t){.run = federation->run};
    if (fed_archive_open(empty_results, empty_bytes, "results", &record->archive) != FED_OK)
        abort();
}

static void add_rows(fed_federation_t *federation) {
    fed_server_t *server = federation->server;
    fed_round_row_t row = {.round = 1, .participants = 4};
    fed_client_row_t clients[4] = {{.round = 1}};
    while (server->central.epoch == 1)
        fed_central_advance(&server->central);
    fed_archive_append(server->record.archive, &fed_round_table, &row, 1);
    fed_archive_append(server->record.archive, &fed_client_table, clients, 4);
    federation->rounds_done = 1;
}

static void write_seed(fed_federation_t *federation, const char *path) {
    add_rows(federation);
    fed_states_open(&federation->states, 2);
    fed_states_commit(&federation->states);
    fed_checkpoint_save(federation, false);
    void *file;
    size_t bytes;
    if (federation->server->status != FED_OK ||
        fed_file_read("tiny.checkpoint", (size_t)1 << 30, &file, &bytes) != FED_OK ||
        fed_file_replace(path, (char *)file + HEADER_BYTES, bytes - HEADER_BYTES, false) != FED_OK)
        abort();
    unlink("tiny.checkpoint");
    fed_free(file);
}

static void set_up(fed_federation_t *federation) {
    fed_run_t *run = federation->run;
    int argc = 1;
    char *arguments[] = {(char *)"fuzz_checkpoint", NULL}, **argv = arguments;
    run->comm = fed_comm_create(&argc, &argv);
    fed_record_create(&federation->server->record, run, "here");
    const void *image = fed_archive_view(federation->server->record.archive, &empty_bytes);
    empty_results = fed_alloc(empty_bytes, 1);
    memcpy(empty_results, image, empty_bytes);
    const char *seed = getenv("FEDMPI_FUZZ_SEED");
    if (seed) {
        write_seed(federation, seed);
        fed_comm_destroy(run->comm);
        _exit(0); /* libFuzzer takes exit for a crash */
    }
    fed_archive_destroy(federation->server->record.archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    fed_federation_t *federation = tiny_federation();
    if (!empty_results)
        set_up(federation);
    size_t live = fed_memory_live();
    fresh_record(federation);
    void *block = fed_alloc(bytes, 1);
    fed_bundle_t bundle;
    if (bytes > 0)
        memcpy(block, data, bytes);
    if (fed_bundle_open(&bundle, block, bytes) == FED_OK)
        fed_checkpoint_restore(federation, &bundle);
    fed_bundle_fini(&bundle);
    fed_record_fini(&federation->server->record);
    if (fed_memory_live() != live)
        abort();
    return 0;
}
