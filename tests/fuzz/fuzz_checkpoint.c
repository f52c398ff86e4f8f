/* A checkpoint behind its checksums: the bundle inside, as somebody may have made it, with the
 * rows of its journal; or a file of clients' states, with the seal that it would have.
 *
 * With FEDMPI_FUZZ_SEED=FILE the target writes a valid input of each kind, FILE and FILE.states,
 * and ends. */
#include "input.h"
#include "tiny.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/run/checkpoint.h"
#include "run/states_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATES_FILE "tiny.checkpoint.states.1.0"
#define STATES_MAGIC "fedmpi numbered file"
#define HEAD_BYTES 512
#define ENTRY_BYTES 40

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
    fed_client_row_t clients[4 * 2] = {{.round = 1}}; /* room for cells */
    while (server->centralized.epoch == 1)
        fed_centralized_advance(&server->centralized);
    fed_record_rows(&server->record, &fed_round_table, &row, 1);
    fed_record_rows(&server->record, &fed_client_table, clients, 4);
    federation->rounds_done = 1;
}

static fed_status_t append_block(void *context, void *content, size_t bytes) {
    fed_file_append(context, content, bytes);
    fed_free(content);
    return FED_OK;
}

static void join_files(const char *path, const void *state, size_t bytes, const fed_mark_t *rows) {
    fed_file_t file;
    if (fed_file_begin(&file, path) != FED_OK)
        abort();
    fed_file_append(&file, state, bytes);
    if (fed_journal_walk("tiny.checkpoint.rows", rows, append_block, &file) != FED_OK ||
        fed_file_finish(&file) != FED_OK)
        abort();
}

/* The checkpoint's bundle and its journal's in one. */
static void write_seed(fed_federation_t *federation, const char *path) {
    void *block;
    size_t bytes;
    bool fell_back;
    add_rows(federation);
    federation->next_generation = 1;
    fed_states_open(fed_engine_states(federation->engine), 2);
    fed_states_commit(fed_engine_states(federation->engine));
    if (fed_checkpoint_save(federation, false) != FED_OK ||
        fed_sealed_read("tiny.checkpoint", &block, &bytes, &fell_back) != FED_OK)
        abort();
    if (fed_states_files_read(federation, &federation->states) != FED_OK)
        abort();
    join_files(path, block, bytes, &federation->server->record.journaled);
    FED_AUTOFREE char *states = fed_format("%s.states", path);
    if (rename(STATES_FILE, states) != 0)
        abort();
    unlink("tiny.checkpoint");
    unlink("tiny.checkpoint.rows");
    fed_free(block);
}

static void set_up(fed_federation_t *federation) {
    fed_run_t *run = federation->run;
    if (fed_machine_init(&run->machine, run->comm) != FED_OK)
        abort();
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

static void try_bundle(fed_federation_t *federation, const uint8_t *data, size_t bytes) {
    fresh_record(federation);
    void *block = fed_alloc(bytes, 1);
    fed_bundle_t bundle;
    fed_states_list_t list = {0};
    if (bytes > 0)
        memcpy(block, data, bytes);
    if (fed_bundle_open(&bundle, block, bytes) == FED_OK &&
        fed_checkpoint_check(&bundle, federation) == FED_OK) {
        fed_states_files_find(&bundle, fed_engine_states(federation->engine), &list);
        if (fed_checkpoint_restore(federation, &bundle) == FED_OK &&
            fed_checkpoint_restore_rows(federation, &bundle) == FED_OK)
            fed_checkpoint_check_rows(federation);
    }
    fed_states_list_fini(&list);
    fed_bundle_fini(&bundle);
    fed_record_fini(&federation->server->record);
}

/* What it says of itself is what the checkpoint says of it, too. */
static void try_states(fed_federation_t *federation, const uint8_t *data, size_t bytes) {
    uint32_t rank = 0;
    int64_t records = 0;
    unsigned char seal[1][FED_HASH_BYTES];
    fed_states_list_t list = {
        .generation = 1, .files = 1, .ranks = &rank, .records = &records, .seals = seal};
    if (bytes >= HEAD_BYTES)
        memcpy(&records, data + 32, sizeof records);
    if (records < 1 || (size_t)records > (bytes - HEAD_BYTES) / ENTRY_BYTES)
        return;
    fed_hash(data, HEAD_BYTES + (size_t)records * ENTRY_BYTES, seal[0]);
    if (fed_file_replace(STATES_FILE, data, bytes, false) != FED_OK)
        abort();
    fed_states_files_read(federation, &list);
    fed_states_abandon(fed_engine_states(federation->engine));
    unlink(STATES_FILE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    fed_federation_t *federation = tiny_federation();
    if (!empty_results)
        set_up(federation);
    size_t live = fed_memory_live();
    if (bytes >= sizeof STATES_MAGIC && memcmp(data, STATES_MAGIC, sizeof STATES_MAGIC - 1) == 0)
        try_states(federation, data, bytes);
    else
        try_bundle(federation, data, bytes);
    if (fed_memory_live() != live)
        abort();
    return 0;
}
