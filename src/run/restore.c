/* Loading the state of a run. Nothing in the file is believed before it is checked. */
#include "fedmpi/run/checkpoint.h"

#include "checkpoint_format.h"
#include "states_files.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/collectives.h"
#include "fedmpi/core/file.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/io/bundle.h"
#include "fedmpi/run/record.h"
#include "fedmpi/sim/federated.h"

#include <math.h>
#include <string.h>

/* Keys that are resumable may differ from the interrupted run: they do not alter the past.
 * @param maker  what was made with the other configuration */
static fed_status_t compare_configs(const fed_config_t *now, const fed_config_t *then,
                                    const char *maker) {
    for (size_t i = 0; i < now->count; i++) {
        const fed_config_value_t *value = &now->values[i];
        FED_AUTOFREE char *dotted = fed_format("%s.%s", value->section, value->key->name);
        if (!value->key->resumable && !fed_config_same(now, then, i))
            return fed_config_fail(now, dotted,
                                   "%s made with %s; change it back, or start anew with "
                                   "--overwrite",
                                   maker, then->values[i].text);
    }
    return FED_OK;
}

static fed_status_t check_config(const fed_bundle_t *bundle, const fed_config_t *now) {
    size_t bytes;
    const char *text = fed_bundle_find(bundle, "config", FED_BYTE, &bytes);
    if (!text)
        return fed_fail(FED_INPUT, "checkpoint: has no configuration");
    FED_AUTOFREE char *ini = fed_format("%.*s", (int)bytes, text);
    fed_config_t then;
    fed_config_init(&then, now->rooms);
    fed_status_t status = fed_config_read_text(&then, ini, "checkpoint");
    if (status == FED_OK)
        status = compare_configs(now, &then, "the checkpoint was");
    fed_config_fini(&then);
    return status;
}

static fed_status_t check_format(const fed_bundle_t *bundle, const fed_run_t *run) {
    int64_t format;
    FED_TRY(fed_bundle_get(bundle, "format", FED_INT64, 1, &format));
    if (format != FED_CHECKPOINT_FORMAT)
        return fed_config_fail(&run->config, "checkpoint.file",
                               "has format %lld, this fedmpi goes on from format %d; finish the "
                               "run with the version that began it",
                               (long long)format, FED_CHECKPOINT_FORMAT);
    return FED_OK;
}

fed_status_t fed_checkpoint_check(const fed_bundle_t *bundle, const fed_federation_t *federation) {
    const fed_run_t *run = federation->run;
    FED_TRY(check_format(bundle, run));
    FED_TRY(check_config(bundle, &run->config));
    unsigned char then[FED_HASH_BYTES];
    FED_TRY(fed_bundle_get(bundle, "fingerprint", FED_BYTE, sizeof then, then));
    if (memcmp(then, federation->server->fingerprint, sizeof then) != 0)
        return fed_config_fail(&run->config, "data.path",
                               "these data, or the initial parameters, are not those that the "
                               "checkpoint was made with");
    return FED_OK;
}

static fed_status_t get_finite(const fed_bundle_t *bundle, const char *path, size_t n, float *w) {
    FED_TRY(fed_bundle_get(bundle, path, FED_FLOAT32, n, w));
    for (size_t i = 0; i < n; i++)
        if (!isfinite(w[i]))
            return fed_fail(FED_INPUT, "checkpoint: %s has a value that is not a number", path);
    return FED_OK;
}

/* Some of the rows of the epochs that are complete, behind those that the record has. */
static fed_status_t get_epoch_rows(const fed_bundle_t *bundle, fed_server_t *server) {
    fed_centralized_t *centralized = &server->centralized;
    size_t complete = (size_t)(centralized->epoch - 1), at = 0, count;
    size_t total = (size_t)fed_record_count(&server->record, &fed_centralized_table);
    const void *rows;
    do {
        FED_TRY(fed_bundle_next_rows(bundle, &fed_centralized_table, &at, &rows, &count));
        if (count > complete - total)
            return fed_fail(FED_INPUT, "checkpoint: has more rows than %zu epochs of the baseline",
                            complete);
        if (count > 0)
            memcpy(centralized->rows + total, rows, count * sizeof *centralized->rows);
        total += count;
    } while (count > 0);
    return FED_OK;
}

static fed_status_t get_centralized(const fed_bundle_t *bundle, fed_centralized_t *centralized,
                                    const int64_t *integers, const double *reals) {
    size_t n = centralized->training.model->parameters;
    if (integers[EPOCH] < 1 || integers[EPOCH] > centralized->epochs + 1 ||
        integers[POSITION] < 0 || (size_t)integers[POSITION] > centralized->count)
        return fed_fail(FED_INPUT, "checkpoint: impossible position of the baseline");
    FED_TRY(fed_bundle_get(bundle, "centralized/w", FED_FLOAT32, n, centralized->training.w));
    FED_TRY(fed_bundle_get(bundle, "centralized/v", FED_FLOAT32,
                           centralized->training.optimizer->vectors * n, centralized->training.v));
    centralized->epoch = integers[EPOCH];
    centralized->train_seconds = reals[TRAIN_SECONDS];
    fed_centralized_resume(centralized, (size_t)integers[POSITION], reals[LOSS_SUM],
                           integers[CORRECT]);
    return FED_OK;
}

/* What the protocol saved. */
static fed_status_t get_vectors(const fed_bundle_t *bundle, fed_federation_t *federation) {
    fed_saved_t saved[FED_SAVED_VECTORS];
    size_t count = federation->protocol->list_saved(federation->state, saved);
    for (size_t i = 0; i < count; i++)
        if (saved[i].floats)
            FED_TRY(get_finite(bundle, saved[i].name, saved[i].count, saved[i].floats));
        else
            FED_TRY(fed_bundle_get(bundle, saved[i].name, FED_FLOAT64, saved[i].count,
                                   saved[i].doubles));
    return FED_OK;
}

static void get_totals(fed_totals_t *totals, const int64_t *integers, const double *reals) {
    fed_measure_t *const measures[] = {&totals->train, &totals->test, &totals->validation};
    totals->rounds = integers[TOTAL_ROUNDS];
    totals->bytes_down = integers[TOTAL_BYTES_DOWN];
    totals->bytes_up = integers[TOTAL_BYTES_UP];
    totals->wall_seconds = reals[TOTAL_WALL_SECONDS];
    totals->train_seconds = reals[TOTAL_TRAIN_SECONDS];
    for (size_t i = 0; i < 3; i++)
        *measures[i] =
            (fed_measure_t){reals[TOTAL_MEASURES + 2 * i], reals[TOTAL_MEASURES + 2 * i + 1]};
}

static fed_status_t get_position(const fed_bundle_t *bundle, fed_federation_t *federation,
                                 int64_t *integers, double *reals) {
    const fed_config_t *config = &federation->run->config;
    FED_TRY(fed_bundle_get(bundle, "integers", FED_INT64, INTEGER_COUNT, integers));
    FED_TRY(fed_bundle_get(bundle, "reals", FED_FLOAT64, REAL_COUNT, reals));
    if (integers[ROUNDS_DONE] < 0)
        return fed_fail(FED_INPUT, "checkpoint: impossible number of rounds");
    if (integers[ROUNDS_DONE] > fed_federated_options(config)->rounds)
        return fed_config_fail(config, "federated.rounds", "the checkpoint has %lld rounds already",
                               (long long)integers[ROUNDS_DONE]);
    federation->rounds_done = integers[ROUNDS_DONE];
    federation->complete =
        integers[COMPLETE] && (!fed_federated_options(config)->enabled ||
                               federation->rounds_done == fed_federated_options(config)->rounds);
    return FED_OK;
}

fed_status_t fed_checkpoint_restore(fed_federation_t *federation, const fed_bundle_t *bundle) {
    fed_server_t *server = federation->server;
    int64_t integers[INTEGER_COUNT];
    double reals[REAL_COUNT];
    FED_TRY(get_position(bundle, federation, integers, reals));
    FED_TRY(get_vectors(bundle, federation));
    FED_TRY(fed_spending_get(&server->spending, bundle, federation->rounds_done));
    get_totals(&server->totals, integers, reals);
    if (server->centralized.rows)
        FED_TRY(get_centralized(bundle, &server->centralized, integers, reals));
    return fed_record_restore(&server->record, bundle, federation->rounds_done,
                              federation->complete);
}

fed_status_t fed_checkpoint_restore_rows(fed_federation_t *federation, const fed_bundle_t *rows) {
    fed_server_t *server = federation->server;
    if (server->centralized.rows)
        FED_TRY(get_epoch_rows(rows, server));
    return fed_record_restore_rows(&server->record, rows);
}

fed_status_t fed_checkpoint_check_rows(const fed_federation_t *federation) {
    const fed_server_t *server = federation->server;
    return fed_record_check_rows(&server->record, federation->rounds_done,
                                 server->centralized.rows ? server->centralized.epoch - 1 : 0);
}

static fed_status_t take_block(void *context, void *content, size_t bytes) {
    fed_bundle_t rows;
    fed_status_t status = fed_bundle_open(&rows, content, bytes);
    if (status == FED_OK)
        status = fed_checkpoint_restore_rows(context, &rows);
    fed_bundle_fini(&rows);
    return status;
}

static fed_status_t restore_with_rows(fed_federation_t *federation, const fed_bundle_t *bundle) {
    FED_AUTOFREE char *journal = fed_checkpoint_journal(federation->run);
    FED_TRY(fed_checkpoint_restore(federation, bundle));
    FED_TRY(
        fed_journal_walk(journal, &federation->server->record.journaled, take_block, federation));
    return fed_checkpoint_check_rows(federation);
}

/* Without a checkpoint: are the results those of this run, and are they all? */
static fed_status_t compare_results(fed_federation_t *federation, const fed_earlier_t *earlier) {
    const fed_config_t *now = &federation->run->config;
    fed_config_t then;
    fed_config_init(&then, now->rooms);
    bool complete = earlier->status == FED_RUN_COMPLETE;
    fed_status_t status = fed_config_read_text(&then, earlier->ini, fed_output_options(now)->file);
    if (status == FED_OK)
        status = compare_configs(now, &then, "the results that are there were");
    if (status == FED_OK && complete &&
        fed_federated_options(&then)->rounds != fed_federated_options(now)->rounds)
        status = fed_config_fail(now, "federated.rounds",
                                 "%s is complete with %lld rounds, and there is no checkpoint to "
                                 "go on from; --overwrite starts anew",
                                 fed_output_options(now)->file,
                                 (long long)fed_federated_options(&then)->rounds);
    federation->complete = status == FED_OK && complete;
    if (federation->complete)
        federation->rounds_done = fed_federated_options(&then)->rounds;
    fed_config_fini(&then);
    return status;
}

static fed_status_t look_at_results(fed_federation_t *federation) {
    const fed_config_t *config = &federation->run->config;
    const char *path = fed_output_options(config)->file;
    fed_earlier_t earlier;
    if (!fed_file_holds_something(path)) {
        fed_info("no checkpoint %s yet: starting", fed_checkpoint_options(config)->file);
        return FED_OK;
    }
    FED_TRY(fed_claim_look(config, &earlier));
    fed_status_t status = compare_results(federation, &earlier);
    if (status == FED_OK && !federation->complete)
        fed_info("no checkpoint %s: starting again, after %lld rounds of a run that did not end",
                 fed_checkpoint_options(config)->file, (long long)earlier.rounds);
    fed_earlier_fini(&earlier);
    return status;
}

/* --- Loading: by the server, but for clients' states ------------------------------------ */

/* A checkpoint from its file, if it is this run's. */
static fed_status_t open_content(fed_federation_t *federation, void *content, size_t bytes) {
    fed_bundle_t *bundle = &federation->server->loaded;
    fed_bundle_fini(bundle);
    FED_TRY(fed_bundle_open(bundle, content, bytes));
    return fed_checkpoint_check(bundle, federation);
}

/* @param fell_back  [out] on the one before */
static fed_status_t open_last(fed_federation_t *federation, bool *fell_back) {
    void *content;
    size_t bytes;
    if (!federation->run->options->resume)
        return FED_OK;
    FED_TRY(fed_sealed_read(fed_checkpoint_options(&federation->run->config)->file, &content,
                            &bytes, fell_back));
    return content ? open_content(federation, content, bytes) : look_at_results(federation);
}

static fed_status_t open_previous(fed_federation_t *federation) {
    void *content;
    size_t bytes;
    FED_TRY(fed_sealed_read_previous(fed_checkpoint_options(&federation->run->config)->file,
                                     &content, &bytes));
    return open_content(federation, content, bytes);
}

static fed_status_t load_states(fed_federation_t *federation) {
    fed_server_t *server = federation->server;
    return fed_states_files_load(federation, server ? &server->loaded : NULL);
}

/* The last checkpoint's states are not there or damaged: those of the one before may be. The
 * status of both if they are not, the same on all ranks. Collective. */
static fed_status_t fall_back(fed_federation_t *federation) {
    const char *path = fed_checkpoint_options(&federation->run->config)->file;
    FED_AUTOFREE char *reason = fed_strdup(fed_error_message());
    fed_status_t mine = federation->server ? open_previous(federation) : FED_OK;
    fed_status_t status = fed_comm_agree(federation->run->comm, mine, NULL, NULL);
    if (status == FED_OK)
        status = load_states(federation);
    if (status != FED_OK)
        return fed_fail(status, "%s; and %s", reason, fed_error_message());
    if (federation->server)
        fed_warn("%s; going on from %s.previous", reason, path);
    return FED_OK;
}

/* What clients and protocol know again, as the server's checkpoint says. Collective. */
static fed_status_t load_all(fed_federation_t *federation, bool *fell_back) {
    fed_status_t status = load_states(federation);
    fed_comm_broadcast(federation->run->comm, fell_back, sizeof *fell_back);
    if (status == FED_INPUT && !*fell_back) {
        *fell_back = true;
        status = fall_back(federation);
    }
    FED_TRY(status);
    if (federation->server)
        status = restore_with_rows(federation, &federation->server->loaded);
    return fed_comm_agree(federation->run->comm, status, NULL, NULL);
}

/* Where the next checkpoint goes on. */
static void follow_up(fed_federation_t *federation, bool fell_back) {
    const char *path = fed_checkpoint_options(&federation->run->config)->file;
    federation->server->named[0] = federation->states.generation;
    if (fell_back)
        fed_sealed_fall_back(path);
    if (!federation->complete)
        fed_info("going on from %s after round %lld", path, (long long)federation->rounds_done);
}

/* What the other ranks need to know. Collective. */
static void spread(fed_federation_t *federation) {
    const fed_comm_t *comm = federation->run->comm;
    if (federation->server)
        federation->next_generation = fed_states_files_last(federation->run) + 1;
    fed_comm_broadcast(comm, &federation->next_generation, sizeof federation->next_generation);
    fed_comm_broadcast(comm, &federation->rounds_done, sizeof federation->rounds_done);
    fed_comm_broadcast(comm, &federation->complete, sizeof federation->complete);
    federation->states.round = federation->rounds_done;
}

fed_status_t fed_checkpoint_load(fed_federation_t *federation, bool *found) {
    fed_server_t *server = federation->server;
    const fed_comm_t *comm = federation->run->comm;
    bool fell_back = false;
    fed_status_t mine = server ? open_last(federation, &fell_back) : FED_OK;
    FED_TRY(fed_comm_agree(comm, mine, NULL, NULL));
    *found = server && server->loaded.block;
    fed_comm_broadcast(comm, found, sizeof *found);
    if (*found)
        FED_TRY(load_all(federation, &fell_back));
    if (*found && server)
        follow_up(federation, fell_back);
    if (server)
        fed_bundle_fini(&server->loaded);
    spread(federation);
    return FED_OK;
}
