/* Loading the state of a run. Nothing in the file is believed before it is checked. */
#include "fedmpi/app/checkpoint.h"

#include "checkpoint_format.h"

#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/io/archive.h"

#include <math.h>
#include <string.h>

/* Keys that may differ from the interrupted run: they do not alter the past. */
static const char *const free_keys[] = {
    "experiment.name", "federated.rounds", "federated.collective",
    "checkpoint.file", "checkpoint.every", "output.file",
    "data.path",
};

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
        if (!is_free(dotted) && !fed_config_same(now, then, i))
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

/* Does the state belong to this program, configuration and data? */
static fed_status_t check_identity(fed_archive_t *archive, const fed_run_t *run) {
    int64_t format;
    FED_TRY(fed_archive_get(archive, "/format", FED_INT64, 1, &(size_t){1}, &format));
    if (format != FED_CHECKPOINT_FORMAT)
        return fed_config_fail(&run->config, "checkpoint.file",
                               "has format %lld, this fedmpi goes on from format %d; finish the "
                               "run with the version that began it",
                               (long long)format, FED_CHECKPOINT_FORMAT);
    FED_TRY(check_config(archive, &run->config));
    unsigned char then[FED_HASH_BYTES], now[FED_HASH_BYTES];
    FED_TRY(fed_archive_get(archive, "/fingerprint", FED_BYTE, 1, &(size_t){sizeof then}, then));
    fed_checkpoint_fingerprint(run, now);
    if (memcmp(then, now, sizeof now) != 0)
        return fed_config_fail(&run->config, "data.path",
                               "these data, or the initial parameters, are not those that the "
                               "checkpoint was made with");
    return FED_OK;
}

static fed_status_t get_finite(fed_archive_t *archive, const char *path, size_t n, float *w) {
    FED_TRY(fed_archive_get(archive, path, FED_FLOAT32, 1, &n, w));
    for (size_t i = 0; i < n; i++)
        if (!isfinite(w[i]))
            return fed_fail(FED_INPUT, "checkpoint: %s has a value that is not a number", path);
    return FED_OK;
}

static fed_status_t get_central(fed_archive_t *archive, fed_central_t *central,
                                const int64_t *integers, const double *reals) {
    size_t n = central->training.model->parameters, rows_there;
    if (integers[EPOCH] < 1 || integers[EPOCH] > central->epochs + 1 || integers[POSITION] < 0 ||
        (size_t)integers[POSITION] > central->count)
        return fed_fail(FED_INPUT, "checkpoint: impossible position of the baseline");
    FED_TRY(fed_archive_get(archive, "/baseline/w", FED_FLOAT32, 1, &n, central->training.w));
    FED_TRY(fed_archive_get(archive, "/baseline/v", FED_FLOAT32, 1, &n, central->training.v));
    FED_AUTOFREE void *rows = NULL;
    FED_TRY(fed_archive_get_rows(archive, &fed_central_table, &rows, &rows_there));
    if (rows_there != (size_t)(integers[EPOCH] - 1))
        return fed_fail(FED_INPUT, "checkpoint: %zu complete epochs of the baseline at epoch %lld",
                        rows_there, (long long)integers[EPOCH]);
    memcpy(central->rows, rows, rows_there * sizeof *central->rows);
    central->epoch = integers[EPOCH];
    central->train_seconds = reals[TRAIN_SECONDS];
    fed_central_resume(central, (size_t)integers[POSITION], reals[LOSS_SUM], integers[CORRECT]);
    return FED_OK;
}

/* Global parameters, what travels with them, and what the server keeps. */
static fed_status_t get_vectors(fed_archive_t *archive, fed_federation_t *federation) {
    size_t n = federation->run->model.parameters, server = federation->vectors.server * n;
    FED_TRY(get_finite(archive, "/w", federation->vectors.down * n, federation->w));
    if (server == 0)
        return FED_OK;
    return fed_archive_get(archive, "/server", FED_FLOAT64, 1, &server, federation->server->kept);
}

static fed_status_t get_position(fed_archive_t *archive, fed_federation_t *federation,
                                 int64_t *integers, double *reals) {
    const fed_config_t *config = &federation->run->config;
    FED_TRY(
        fed_archive_get(archive, "/integers", FED_INT64, 1, &(size_t){INTEGER_COUNT}, integers));
    FED_TRY(fed_archive_get(archive, "/reals", FED_FLOAT64, 1, &(size_t){REAL_COUNT}, reals));
    if (integers[ROUNDS_DONE] < 0)
        return fed_fail(FED_INPUT, "checkpoint: impossible number of rounds");
    if (integers[ROUNDS_DONE] > config->federated.rounds)
        return fed_config_fail(config, "federated.rounds", "the checkpoint has %lld rounds already",
                               (long long)integers[ROUNDS_DONE]);
    federation->rounds_done = integers[ROUNDS_DONE];
    federation->complete =
        integers[COMPLETE] &&
        (!config->federated.enabled || federation->rounds_done == config->federated.rounds);
    return FED_OK;
}

fed_status_t fed_checkpoint_restore(fed_federation_t *federation, fed_archive_t *archive) {
    fed_server_t *server = federation->server;
    int64_t integers[INTEGER_COUNT];
    double reals[REAL_COUNT];
    FED_TRY(check_identity(archive, federation->run));
    FED_TRY(get_position(archive, federation, integers, reals));
    FED_TRY(get_vectors(archive, federation));
    FED_TRY(fed_archive_get(archive, "/totals", FED_BYTE, 1, &(size_t){sizeof server->totals},
                            &server->totals));
    if (server->central.rows)
        FED_TRY(get_central(archive, &server->central, integers, reals));
    return fed_record_restore(&server->record, archive, federation->rounds_done,
                              server->central.rows ? server->central.epoch - 1 : 0);
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
    FED_TRY(fed_checkpoint_restore(federation, *archive));
    if (!federation->complete)
        fed_info("going on from %s after round %lld", path, (long long)federation->rounds_done);
    return FED_OK;
}

/* --- Clients' states: each rank keeps those of its clients ---------------------------- */

enum { END = -1, BROKEN = -2 };

/* The next client from `from` on that has a state, which is read; END, or BROKEN. */
static int64_t read_state(const fed_states_t *states, fed_archive_t *archive, int64_t from,
                          float *value) {
    for (int64_t client = from; client < (int64_t)states->clients; client++) {
        FED_AUTOFREE char *path = fed_checkpoint_state_path((uint32_t)client);
        if (fed_archive_bytes(archive, path, FED_FLOAT32) == 0)
            continue;
        return fed_archive_get(archive, path, FED_FLOAT32, 1, &states->length, value) == FED_OK
                   ? client
                   : BROKEN;
    }
    return END;
}

/* The server reads each state and sends it round; its home rank keeps it. Collective. */
static fed_status_t spread_states(fed_federation_t *federation, fed_archive_t *archive) {
    fed_states_t *states = &federation->states;
    const fed_comm_t *comm = federation->run->comm;
    uint32_t rank = (uint32_t)fed_comm_rank(comm);
    size_t bytes = states->length * sizeof(float);
    FED_AUTOFREE float *value = fed_alloc(bytes, 1);
    int64_t client = END;
    for (int64_t next = 0;; next = client + 1) {
        if (fed_comm_is_server(comm))
            client = archive ? read_state(states, archive, next, value) : END;
        fed_comm_broadcast(comm, &client, sizeof client);
        if (client < 0)
            break;
        fed_comm_broadcast(comm, value, bytes);
        if (federation->home[client] == rank)
            memcpy(fed_states_open(states, (uint32_t)client), value, bytes);
    }
    fed_states_commit(states);
    return fed_comm_agree(comm, client == BROKEN && archive ? FED_INPUT : FED_OK, NULL, NULL);
}

fed_status_t fed_checkpoint_spread(fed_federation_t *federation) {
    fed_server_t *server = federation->server;
    const fed_comm_t *comm = federation->run->comm;
    fed_comm_broadcast(comm, &federation->rounds_done, sizeof federation->rounds_done);
    fed_comm_broadcast(comm, &federation->complete, sizeof federation->complete);
    fed_status_t status = FED_OK;
    if (federation->states.length > 0)
        status = spread_states(federation, server ? server->loaded : NULL);
    if (server) {
        fed_archive_destroy(server->loaded);
        server->loaded = NULL;
    }
    return status;
}
