/* Saving and loading the state of a run. */
#include "fedmpi/app/checkpoint.h"

#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/io/archive.h"
#include "fedmpi/io/sealed.h"

#include <stdlib.h>
#include <string.h>

/* Keys that may differ from the interrupted run: they do not alter the past. */
static const char *const free_keys[] = {
    "experiment.name", "federated.rounds", "federated.collective",
    "checkpoint.file", "checkpoint.every", "output.file",
    "data.path",
};

/* Where the run stands: scalars of the checkpoint, in one array. */
enum { ROUNDS_DONE, EPOCH, POSITION, CORRECT, CENTRAL_ROWS, INTEGER_COUNT };
enum { LOSS_SUM, TRAIN_SECONDS, REAL_COUNT };

/* --- Clients' states: each rank keeps those of its clients ---------------------------- */

/* Clients with a state on this rank. */
static size_t kept_here(const fed_states_t *states) {
    size_t count = 0;
    for (size_t k = 0; k < states->clients; k++)
        count += states->kept[k] != NULL;
    return count;
}

/* All states in the memory of the server, in the order of ranks. Collective. */
static void collect_states(const fed_federation_t *federation, fed_archive_t *archive) {
    const fed_states_t *states = &federation->states;
    const fed_comm_t *comm = federation->run->comm;
    size_t ranks = (size_t)fed_comm_size(comm), length = states->length;
    size_t rank = (size_t)fed_comm_rank(comm), here = kept_here(states), total = 0;

    FED_AUTOFREE size_t *ones = FED_NEW_ARRAY(size_t, ranks);
    FED_AUTOFREE size_t *counts = FED_NEW_ARRAY(size_t, ranks);
    for (size_t r = 0; r < ranks; r++)
        ones[r] = 1;
    fed_comm_gather_rows(comm, &here, ones, sizeof here, counts);
    counts[rank] = here;
    for (size_t r = 0; archive && r < ranks; r++)
        total += counts[r];

    FED_AUTOFREE uint32_t *clients = FED_NEW_ARRAY(uint32_t, here);
    FED_AUTOFREE float *values = FED_NEW_ARRAY(float, here *length);
    size_t at = 0;
    for (size_t k = 0; k < states->clients; k++)
        if (states->kept[k]) {
            clients[at] = (uint32_t)k;
            memcpy(values + at++ * length, states->kept[k], length * sizeof *values);
        }
    FED_AUTOFREE uint32_t *all_clients = FED_NEW_ARRAY(uint32_t, total);
    FED_AUTOFREE float *all_values = FED_NEW_ARRAY(float, total *length);
    fed_comm_gather_rows(comm, clients, counts, sizeof *clients, all_clients);
    fed_comm_gather_rows(comm, values, counts, length * sizeof *values, all_values);
    if (!archive || total == 0)
        return;
    size_t shape[] = {total, length};
    fed_archive_put(archive, "/states/client", FED_UINT32, 1, shape, all_clients);
    fed_archive_put(archive, "/states/value", FED_FLOAT32, 2, shape, all_values);
}

/* The server reads each state and sends it round; its home rank keeps it. Collective. */
static fed_status_t spread_states(fed_federation_t *federation, fed_archive_t *archive) {
    fed_states_t *states = &federation->states;
    const fed_comm_t *comm = federation->run->comm;
    size_t count = 0, length = states->length;
    if (archive)
        count = fed_archive_bytes(archive, "/states/client", FED_UINT32) / sizeof(uint32_t);
    fed_comm_broadcast(comm, &count, sizeof count);
    FED_AUTOFREE uint32_t *clients = FED_NEW_ARRAY(uint32_t, count);
    FED_AUTOFREE float *values = FED_NEW_ARRAY(float, archive ? count *length : length);
    size_t shape[] = {count, length};
    fed_status_t status = FED_OK;
    if (archive && count > 0)
        status = fed_archive_get(archive, "/states/client", FED_UINT32, 1, shape, clients);
    if (archive && count > 0 && status == FED_OK)
        status = fed_archive_get(archive, "/states/value", FED_FLOAT32, 2, shape, values);
    for (size_t i = 0; i < count && status == FED_OK; i++)
        if (clients[i] >= states->clients)
            status = fed_fail(FED_INPUT, "checkpoint: there is no client %u", clients[i]);
    FED_TRY(fed_comm_agree(comm, status, NULL, NULL));
    fed_comm_broadcast(comm, clients, count * sizeof *clients);
    for (size_t i = 0; i < count; i++) {
        float *value = archive ? values + i * length : values;
        fed_comm_broadcast(comm, value, length * sizeof *value);
        if (federation->home[clients[i]] == (uint32_t)fed_comm_rank(comm))
            memcpy(fed_states_open(states, clients[i]), value, length * sizeof *value);
    }
    fed_states_commit(states);
    return FED_OK;
}

/* --- Saving --------------------------------------------------------------------------- */

static void put_vector(fed_archive_t *archive, const char *path, size_t n, const float *w) {
    fed_archive_put(archive, path, FED_FLOAT32, 1, &n, w);
}

static void put_central(fed_archive_t *archive, const fed_central_t *central, int64_t *integers,
                        double *reals) {
    fed_training_t training = central->training; /* shares its memory */
    size_t n = training.model->parameters;
    fed_training_settle(&training);
    put_vector(archive, "/centralized/w", n, training.w);
    put_vector(archive, "/centralized/v", n, training.v);
    size_t bytes = (size_t)(central->epoch - 1) * sizeof *central->rows;
    if (bytes > 0)
        fed_archive_put(archive, "/centralized/rows", FED_BYTE, 1, &bytes, central->rows);
    integers[EPOCH] = central->epoch;
    integers[POSITION] = (int64_t)training.position;
    integers[CORRECT] = training.correct;
    reals[LOSS_SUM] = training.loss_sum;
    reals[TRAIN_SECONDS] = central->train_seconds;
}

static void put_state(fed_archive_t *archive, const fed_federation_t *federation) {
    fed_server_t *server = federation->server;
    int64_t integers[INTEGER_COUNT] = {[ROUNDS_DONE] = federation->rounds_done};
    double reals[REAL_COUNT] = {0};
    size_t n = federation->run->model.parameters;
    put_vector(archive, "/w", federation->vectors.down * n, federation->w);
    if (federation->vectors.server > 0)
        fed_archive_put(archive, "/server", FED_FLOAT64, 1,
                        &(size_t){federation->vectors.server * n}, server->kept);
    fed_archive_put(archive, "/totals", FED_BYTE, 1, &(size_t){sizeof server->totals},
                    &server->totals);
    if (server->central.rows)
        put_central(archive, &server->central, integers, reals);
    integers[CENTRAL_ROWS] = server->record.central_rows;
    fed_archive_put(archive, "/integers", FED_INT64, 1, &(size_t){INTEGER_COUNT}, integers);
    fed_archive_put(archive, "/reals", FED_FLOAT64, 1, &(size_t){REAL_COUNT}, reals);

    fed_text_t ini = {0};
    fed_config_write(&federation->run->config, false, &ini);
    fed_archive_put(archive, "/config", FED_BYTE, 1, &ini.length, ini.chars);
    fed_text_fini(&ini);

    void *results;
    size_t bytes;
    fed_archive_image(server->record.archive, &results, &bytes);
    fed_archive_put(archive, "/results", FED_BYTE, 1, &bytes, results);
    fed_free(results);
}

static fed_status_t write_archive(fed_archive_t *archive, const char *path) {
    void *image;
    size_t bytes;
    fed_archive_image(archive, &image, &bytes);
    fed_status_t status = fed_sealed_write(path, image, bytes);
    fed_free(image);
    return status;
}

void fed_checkpoint_save(fed_federation_t *federation) {
    fed_server_t *server = federation->server;
    fed_archive_t *archive = server ? fed_archive_create() : NULL;
    if (federation->states.length > 0)
        collect_states(federation, archive);
    if (!server)
        return;
    put_state(archive, federation);
    fed_status_t status = write_archive(archive, federation->run->config.checkpoint.file);
    if (status > server->status)
        server->status = status;
    fed_archive_destroy(archive);
}

/* --- Loading -------------------------------------------------------------------------- */

static bool is_free(const char *dotted) {
    for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++)
        if (strcmp(free_keys[i], dotted) == 0)
            return true;
    return false;
}

static fed_status_t compare_configs(const fed_config_t *now, const fed_config_t *then) {
    for (size_t i = 0; i < fed_config_key_count; i++) {
        FED_AUTOFREE char *dotted =
            fed_format("%s.%s", fed_config_keys[i].section, fed_config_keys[i].name);
        if (!is_free(dotted) && strcmp(now->values[i].text, then->values[i].text) != 0)
            return fed_config_fail(now, dotted,
                                   "the checkpoint was made with %s; change it back, or start "
                                   "without --resume",
                                   then->values[i].text);
    }
    return FED_OK;
}

static fed_status_t check_config(fed_archive_t *archive, const fed_config_t *now) {
    size_t bytes = fed_archive_bytes(archive, "/config", FED_BYTE);
    FED_AUTOFREE char *ini = fed_alloc(bytes + 1, 1);
    FED_TRY(fed_archive_get(archive, "/config", FED_BYTE, 1, &bytes, ini));
    fed_config_t then;
    fed_config_init(&then);
    fed_status_t status = fed_config_read_text(&then, ini, "checkpoint");
    if (status == FED_OK)
        status = compare_configs(now, &then);
    fed_config_fini(&then);
    return status;
}

static fed_status_t get_central(fed_archive_t *archive, fed_central_t *central,
                                const int64_t *integers, const double *reals) {
    size_t n = central->training.model->parameters;
    if (integers[EPOCH] < 1 || integers[EPOCH] > central->epochs + 1 || integers[POSITION] < 0 ||
        (size_t)integers[POSITION] > central->count)
        return fed_fail(FED_INPUT, "checkpoint: impossible position of the baseline");
    FED_TRY(fed_archive_get(archive, "/centralized/w", FED_FLOAT32, 1, &n, central->training.w));
    FED_TRY(fed_archive_get(archive, "/centralized/v", FED_FLOAT32, 1, &n, central->training.v));
    central->epoch = integers[EPOCH];
    central->train_seconds = reals[TRAIN_SECONDS];
    size_t bytes = (size_t)(central->epoch - 1) * sizeof *central->rows;
    if (bytes > 0)
        FED_TRY(fed_archive_get(archive, "/centralized/rows", FED_BYTE, 1, &bytes, central->rows));
    fed_central_resume(central, (size_t)integers[POSITION], reals[LOSS_SUM], integers[CORRECT]);
    return FED_OK;
}

static fed_status_t get_results(fed_archive_t *archive, fed_federation_t *federation,
                                int64_t central_rows) {
    size_t bytes = fed_archive_bytes(archive, "/results", FED_BYTE);
    FED_AUTOFREE void *image = fed_alloc(bytes, 1);
    FED_TRY(fed_archive_get(archive, "/results", FED_BYTE, 1, &bytes, image));
    return fed_record_resume(&federation->server->record, federation->run, image, bytes,
                             central_rows);
}

/* Global parameters, what travels with them, and what the server keeps. */
static fed_status_t get_vectors(fed_archive_t *archive, fed_federation_t *federation) {
    size_t n = federation->run->model.parameters;
    size_t down = federation->vectors.down * n, server = federation->vectors.server * n;
    FED_TRY(fed_archive_get(archive, "/w", FED_FLOAT32, 1, &down, federation->w));
    if (server == 0)
        return FED_OK;
    return fed_archive_get(archive, "/server", FED_FLOAT64, 1, &server, federation->server->kept);
}

static fed_status_t get_state(fed_archive_t *archive, fed_federation_t *federation) {
    const fed_config_t *config = &federation->run->config;
    fed_server_t *server = federation->server;
    int64_t integers[INTEGER_COUNT];
    double reals[REAL_COUNT];
    FED_TRY(check_config(archive, config));
    FED_TRY(
        fed_archive_get(archive, "/integers", FED_INT64, 1, &(size_t){INTEGER_COUNT}, integers));
    FED_TRY(fed_archive_get(archive, "/reals", FED_FLOAT64, 1, &(size_t){REAL_COUNT}, reals));
    if (integers[ROUNDS_DONE] < 0 || integers[CENTRAL_ROWS] < 0 ||
        integers[CENTRAL_ROWS] >= integers[EPOCH] + (server->central.rows == NULL))
        return fed_fail(FED_INPUT, "checkpoint: impossible position");
    if (config->federated.enabled && integers[ROUNDS_DONE] > config->federated.rounds)
        return fed_config_fail(config, "federated.rounds", "the checkpoint has %lld rounds already",
                               (long long)integers[ROUNDS_DONE]);
    FED_TRY(get_vectors(archive, federation));
    FED_TRY(fed_archive_get(archive, "/totals", FED_BYTE, 1, &(size_t){sizeof server->totals},
                            &server->totals));
    if (server->central.rows)
        FED_TRY(get_central(archive, &server->central, integers, reals));
    federation->rounds_done = integers[ROUNDS_DONE];
    return get_results(archive, federation, integers[CENTRAL_ROWS]);
}

fed_status_t fed_checkpoint_load(fed_federation_t *federation, bool *found) {
    const char *path = federation->run->config.checkpoint.file;
    fed_archive_t **archive = &federation->server->loaded;
    void *image;
    size_t bytes;
    FED_TRY(fed_sealed_read(path, &image, &bytes));
    *found = image != NULL;
    if (!image) {
        fed_info("no checkpoint %s yet: starting", path);
        return FED_OK;
    }
    fed_status_t status = fed_archive_open(image, bytes, path, archive);
    fed_free(image);
    FED_TRY(status);
    FED_TRY(get_state(*archive, federation));
    fed_info("going on from %s after round %lld", path, (long long)federation->rounds_done);
    return FED_OK;
}

fed_status_t fed_checkpoint_spread(fed_federation_t *federation) {
    fed_server_t *server = federation->server;
    fed_comm_broadcast(federation->run->comm, &federation->rounds_done,
                       sizeof federation->rounds_done);
    fed_status_t status = FED_OK;
    if (federation->states.length > 0)
        status = spread_states(federation, server ? server->loaded : NULL);
    if (server) {
        fed_archive_destroy(server->loaded);
        server->loaded = NULL;
    }
    return status;
}
