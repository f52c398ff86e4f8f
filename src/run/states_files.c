/* Saving and loading clients' states where the clients train. */
#include "states_files.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/nodes.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/io/numbered.h"
#include "fedmpi/run/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_DIGITS 15 /* of a generation or rank: more are no file of ours */
#define LAST_GENERATION 999999999999999

static char *path_of(const fed_run_t *run, int64_t generation, size_t rank) {
    return fed_format("%s.states.%lld.%zu", fed_checkpoint_options(&run->config)->file,
                      (long long)generation, rank);
}

static size_t record_bytes(const fed_states_t *states) {
    return states->length * sizeof **states->kept;
}

/* --- Files that are there --------------------------------------------------------------- */

/* Skip a text at *at; a number of a few digits behind it; or nothing is skipped: 0. */
static int64_t skip_number(const char **at, const char *text) {
    size_t length = strlen(text);
    if (strncmp(*at, text, length) != 0)
        return 0;
    const char *digits = *at + length;
    size_t count = strspn(digits, "0123456789");
    if (count == 0 || count > MOST_DIGITS)
        return 0;
    *at = digits + count;
    return strtoll(digits, NULL, 10);
}

/* The generation of "NAME.states.GENERATION.RANK", also of one that did not become whole; 0: it is
 * no such file. */
static int64_t generation_of(const char *entry, const char *name) {
    FED_AUTOFREE char *start = fed_format("%s.states.", name);
    const char *rest = entry;
    int64_t generation = skip_number(&rest, start);
    const char *behind = rest;
    skip_number(&rest, ".");
    bool ends = *rest == '\0' || strcmp(rest, ".part") == 0;
    return rest != behind && ends ? generation : 0;
}

/* Look at all files of the run's generations: the largest number. Those that `goes` are removed. */
static int64_t visit(const fed_run_t *run, bool (*goes)(int64_t generation, const int64_t *numbers),
                     const int64_t *numbers) {
    FED_AUTOFREE char *path = fed_strdup(fed_checkpoint_options(&run->config)->file);
    FED_AUTOFREE char *copy = fed_strdup(path);
    const char *folder = dirname(path), *name = basename(copy);
    int64_t largest = 0;
    DIR *entries = opendir(folder);
    if (!entries)
        return 0;
    for (const struct dirent *entry; (entry = readdir(entries));) {
        int64_t generation = generation_of(entry->d_name, name);
        largest = generation > largest ? generation : largest;
        if (generation > 0 && goes && goes(generation, numbers)) {
            FED_AUTOFREE char *file = fed_format("%s/%s", folder, entry->d_name);
            unlink(file);
        }
    }
    closedir(entries);
    return largest;
}

static bool is_neither(int64_t generation, const int64_t *numbers) {
    return generation != numbers[0] && generation != numbers[1];
}

static bool is_it(int64_t generation, const int64_t *number) {
    return generation == *number;
}

int64_t fed_states_files_last(const fed_run_t *run) {
    return visit(run, NULL, NULL);
}

void fed_states_files_remove(const fed_run_t *run) {
    visit(run, is_neither, (int64_t[]){0, 0});
}

/* --- Saving ----------------------------------------------------------------------------- */

/* What a rank tells the server of its file; no records: there is none. */
typedef struct told {
    uint64_t records;
    unsigned char seal[FED_HASH_BYTES];
} told_t;

/* A rank whose clients have no states yet writes nothing. */
static fed_status_t write_own(const fed_run_t *run, const fed_states_t *states, int64_t generation,
                              told_t *told) {
    *told = (told_t){0};
    for (size_t k = 0; k < states->clients; k++)
        told->records += states->kept[k] != NULL;
    if (told->records == 0)
        return FED_OK;
    FED_AUTOFREE char *path = path_of(run, generation, (size_t)fed_comm_rank(run->comm));
    fed_numbered_writer_t writer;
    FED_TRY(fed_numbered_begin(&writer, path, told->records, record_bytes(states)));
    for (size_t k = 0; k < states->clients; k++)
        if (states->kept[k])
            fed_numbered_append(&writer, (uint32_t)k, states->kept[k]);
    return fed_numbered_finish(&writer, told->seal);
}

static void reserve(fed_states_list_t *list, size_t files) {
    *list = (fed_states_list_t){
        .files = files,
        .ranks = FED_NEW_ARRAY(uint32_t, files),
        .records = FED_NEW_ARRAY(int64_t, files),
        .seals = fed_alloc(files, FED_HASH_BYTES),
    };
}

void fed_states_list_fini(fed_states_list_t *list) {
    fed_free(list->ranks);
    fed_free(list->records);
    fed_free(list->seals);
    *list = (fed_states_list_t){0};
}

/* On the server: which ranks have written what. Collective. */
static void gather_list(const fed_comm_t *comm, const told_t *mine, fed_states_list_t *list) {
    size_t ranks = (size_t)fed_comm_size(comm), files = 0;
    FED_AUTOFREE size_t *ones = FED_NEW_ARRAY(size_t, ranks);
    FED_AUTOFREE told_t *all = FED_NEW_ARRAY(told_t, ranks);
    for (size_t r = 0; r < ranks; r++)
        ones[r] = 1;
    fed_comm_gather_rows(comm, mine, ones, sizeof *mine, all);
    fed_states_list_fini(list);
    if (!fed_comm_is_server(comm))
        return;
    for (size_t r = 0; r < ranks; r++)
        files += all[r].records > 0;
    reserve(list, files);
    for (size_t r = 0, at = 0; r < ranks; r++)
        if (all[r].records > 0) {
            list->ranks[at] = (uint32_t)r;
            list->records[at] = (int64_t)all[r].records;
            memcpy(list->seals[at++], all[r].seal, FED_HASH_BYTES);
        }
}

static fed_status_t write_generation(fed_federation_t *federation) {
    const fed_run_t *run = federation->run;
    told_t told;
    int64_t generation = federation->next_generation++;
    fed_status_t mine = write_own(run, fed_engine_states(federation->engine), generation, &told);
    fed_status_t status =
        fed_comm_agree(run->comm, fed_comm_blame_host(run->comm, mine), NULL, NULL);
    if (status != FED_OK && federation->server)
        visit(run, is_it, &generation);
    FED_TRY(status);
    gather_list(run->comm, &told, &federation->states);
    federation->states.generation = generation;
    federation->states.round = federation->rounds_done;
    return FED_OK;
}

fed_status_t fed_states_files_save(fed_federation_t *federation, fed_bundle_t *bundle) {
    const fed_states_list_t *list = &federation->states;
    if (fed_engine_states(federation->engine)->length == 0)
        return FED_OK;
    if (list->generation == 0 || list->round != federation->rounds_done)
        FED_TRY(write_generation(federation));
    if (!bundle)
        return FED_OK;
    fed_bundle_put(bundle, "states/generation", FED_INT64, 1, &list->generation);
    fed_bundle_put(bundle, "states/rank", FED_UINT32, list->files, list->ranks);
    fed_bundle_put(bundle, "states/records", FED_INT64, list->files, list->records);
    fed_bundle_put(bundle, "states/seal", FED_BYTE, list->files * FED_HASH_BYTES, list->seals);
    return FED_OK;
}

void fed_states_files_settle(fed_federation_t *federation, fed_status_t written) {
    int64_t generation = federation->states.generation;
    int64_t *named = federation->server->named;
    if (generation == 0)
        return;
    if (written == FED_OK) {
        named[1] = named[0]; /* is FILE.previous now */
        named[0] = generation;
        visit(federation->run, is_neither, named);
    } else if (is_neither(generation, named)) {
        visit(federation->run, is_it, &generation);
    }
}

/* --- Loading ---------------------------------------------------------------------------- */

static fed_status_t check_list(const fed_states_list_t *list, const fed_states_t *states) {
    int64_t left = (int64_t)states->clients;
    for (size_t i = 0; i < list->files; i++) {
        if (list->records[i] < 1 || list->records[i] > left)
            return fed_fail(FED_INPUT, "checkpoint: impossible number of clients' states");
        left -= list->records[i];
    }
    return FED_OK;
}

fed_status_t fed_states_files_find(const fed_bundle_t *bundle, const fed_states_t *states,
                                   fed_states_list_t *list) {
    size_t ranks = 0, records = 0, seals = 0;
    int64_t generation;
    *list = (fed_states_list_t){0};
    FED_TRY(fed_bundle_get(bundle, "states/generation", FED_INT64, 1, &generation));
    const void *rank = fed_bundle_find(bundle, "states/rank", FED_UINT32, &ranks);
    const void *record = fed_bundle_find(bundle, "states/records", FED_INT64, &records);
    const void *seal = fed_bundle_find(bundle, "states/seal", FED_BYTE, &seals);
    if (!rank || !record || !seal || ranks > states->clients || records != ranks ||
        seals != ranks * FED_HASH_BYTES || generation < 1 || generation > LAST_GENERATION)
        return fed_fail(FED_INPUT, "checkpoint: has no list of the clients' states");
    reserve(list, ranks);
    list->generation = generation;
    if (ranks > 0) {
        memcpy(list->ranks, rank, ranks * sizeof *list->ranks);
        memcpy(list->records, record, ranks * sizeof *list->records);
        memcpy(list->seals, seal, seals);
    }
    return check_list(list, states);
}

/* The records of a file that are this rank's clients'. */
static fed_status_t take_own(fed_federation_t *federation, const fed_numbered_reader_t *reader) {
    fed_states_t *states = fed_engine_states(federation->engine);
    uint32_t rank = (uint32_t)fed_comm_rank(federation->run->comm);
    for (size_t i = 0; i < reader->count; i++) {
        uint32_t client = fed_numbered_number(reader, i);
        if (client >= states->clients)
            return fed_fail(FED_INPUT, "%s: there is no client %u", reader->path, client);
        if (fed_engine_home(federation->engine, client) != rank)
            continue;
        if (states->next[client])
            return fed_fail(FED_INPUT, "%s: has a second state of client %u", reader->path, client);
        FED_TRY(fed_numbered_read(reader, i, fed_states_open(states, client)));
    }
    return FED_OK;
}

static fed_status_t read_file(fed_federation_t *federation, const fed_states_list_t *list,
                              size_t i) {
    size_t bytes = record_bytes(fed_engine_states(federation->engine));
    FED_AUTOFREE char *path = path_of(federation->run, list->generation, list->ranks[i]);
    fed_numbered_reader_t reader;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return fed_fail(FED_INPUT,
                        "%s: is missing, and has states of clients; all files of a checkpoint "
                        "must be in one folder, on a file system that all nodes share",
                        path);
    FED_TRY(fed_numbered_open(&reader, path, (size_t)list->records[i], bytes, list->seals[i]));
    fed_status_t status = take_own(federation, &reader);
    fed_numbered_close(&reader);
    return status;
}

fed_status_t fed_states_files_read(fed_federation_t *federation, const fed_states_list_t *list) {
    fed_status_t status = FED_OK;
    for (size_t i = 0; i < list->files && status == FED_OK; i++)
        status = read_file(federation, list, i);
    return status;
}

/* The server's list becomes everybody's. Collective. */
static void broadcast_list(const fed_comm_t *comm, fed_states_list_t *list) {
    int64_t head[] = {list->generation, (int64_t)list->files};
    fed_comm_broadcast(comm, head, sizeof head);
    if (!fed_comm_is_server(comm))
        reserve(list, (size_t)head[1]);
    list->generation = head[0];
    fed_comm_broadcast(comm, list->ranks, list->files * sizeof *list->ranks);
    fed_comm_broadcast(comm, list->records, list->files * sizeof *list->records);
    fed_comm_broadcast(comm, list->seals, list->files * FED_HASH_BYTES);
}

fed_status_t fed_states_files_load(fed_federation_t *federation, const fed_bundle_t *bundle) {
    fed_states_t *states = fed_engine_states(federation->engine);
    const fed_comm_t *comm = federation->run->comm;
    fed_states_list_t *list = &federation->states;
    if (states->length == 0)
        return FED_OK;
    fed_status_t status = bundle ? fed_states_files_find(bundle, states, list) : FED_OK;
    status = fed_comm_agree(comm, status, NULL, NULL);
    if (status == FED_OK) {
        broadcast_list(comm, list);
        status = fed_comm_blame_host(comm, fed_states_files_read(federation, list));
        status = fed_comm_agree(comm, status, NULL, NULL);
    }
    if (status == FED_OK) {
        fed_states_commit(states);
    } else {
        fed_states_abandon(states);
        fed_states_list_fini(list);
    }
    return status;
}
