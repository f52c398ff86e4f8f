/* Saving the state of a run. */
#include "fedmpi/run/checkpoint.h"

#include "checkpoint_format.h"
#include "states_files.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"
#include "fedmpi/io/bundle.h"
#include "fedmpi/io/sealed.h"

#include <string.h>
#include <unistd.h>

static const fed_key_t keys[] = {
    FED_PATH(fed_checkpoint_options_t, file, "",
             "the checkpoint; empty: the results file's name with .checkpoint behind it",
             .resumable = true),
    FED_INTEGER(fed_checkpoint_options_t, every, 0, 10000000, "1",
                "rounds from one checkpoint to the next; 0: never", .resumable = true),
};

const fed_key_group_t fed_checkpoint_keys =
    FED_KEY_GROUP("checkpoint", fed_checkpoint_options_t, keys);

#define FINGERPRINT_BYTES ((size_t)4 << 20) /* of samples that are looked at, about */

/* Labels, some of the samples, initial parameters, whose each sample is: another input has
 * another hash. */
void fed_checkpoint_fingerprint(const fed_run_t *run, unsigned char hash[FED_HASH_BYTES]) {
    const fed_samples_t *train = &run->dataset.train;
    size_t sample_bytes = train->features * (train->type == FED_VALUES_FLOAT32 ? sizeof(float) : 1);
    size_t step = 1 + train->count * sample_bytes / FINGERPRINT_BYTES;
    size_t stored = train->generator ? 0 : train->count; /* else the configuration says all */
    size_t samples = (stored + step - 1) / step;
    const int32_t *client_of = run->dataset.train_client_of;
    FED_AUTOFREE struct iovec *pieces = FED_NEW_ARRAY(struct iovec, samples + 3);
    pieces[0] = (struct iovec){(void *)train->labels, stored * sizeof *train->labels};
    for (size_t i = 0; i < samples; i++)
        pieces[1 + i] =
            (struct iovec){(char *)train->values + i * step * sample_bytes, sample_bytes};
    pieces[samples + 1] =
        (struct iovec){run->initial, run->model.parameters * sizeof *run->initial};
    pieces[samples + 2] =
        (struct iovec){(void *)client_of, client_of ? train->count * sizeof *client_of : 0};
    fed_hash_pieces(pieces, samples + 3, hash);
}

char *fed_checkpoint_journal(const fed_run_t *run) {
    return fed_format("%s.rows", fed_checkpoint_options(&run->config)->file);
}

void fed_checkpoint_discard(const fed_run_t *run) {
    FED_AUTOFREE char *journal = fed_checkpoint_journal(run);
    fed_sealed_remove(fed_checkpoint_options(&run->config)->file);
    fed_states_files_remove(run);
    unlink(journal);
}

static void put_vector(fed_bundle_t *bundle, const char *name, size_t n, const float *w) {
    fed_bundle_lend(bundle, name, FED_FLOAT32, n, w);
}

static void put_centralized(fed_bundle_t *bundle, const fed_centralized_t *centralized,
                            int64_t *integers, double *reals) {
    fed_training_t training = centralized->training; /* shares its memory */
    size_t n = training.model->parameters;
    fed_training_settle(&training);
    put_vector(bundle, "centralized/w", n, training.w);
    put_vector(bundle, "centralized/v", training.optimizer->vectors * n, training.v);
    integers[EPOCH] = centralized->epoch;
    integers[POSITION] = (int64_t)training.position;
    integers[CORRECT] = training.correct;
    reals[LOSS_SUM] = training.loss_sum;
    reals[TRAIN_SECONDS] = centralized->train_seconds;
}

static void put_totals(const fed_totals_t *totals, int64_t *integers, double *reals) {
    const fed_measure_t *const measures[] = {&totals->train, &totals->test, &totals->validation};
    integers[TOTAL_ROUNDS] = totals->rounds;
    integers[TOTAL_BYTES_DOWN] = totals->bytes_down;
    integers[TOTAL_BYTES_UP] = totals->bytes_up;
    reals[TOTAL_WALL_SECONDS] = totals->wall_seconds;
    reals[TOTAL_TRAIN_SECONDS] = totals->train_seconds;
    for (size_t i = 0; i < 3; i++) {
        reals[TOTAL_MEASURES + 2 * i] = measures[i]->loss;
        reals[TOTAL_MEASURES + 2 * i + 1] = measures[i]->accuracy;
    }
}

/* What the protocol has to find again. */
static void put_vectors(fed_bundle_t *bundle, const fed_federation_t *federation) {
    fed_saved_t saved[FED_SAVED_VECTORS];
    size_t count = federation->protocol->list_saved(federation->state, saved);
    for (size_t i = 0; i < count; i++)
        if (saved[i].floats)
            fed_bundle_lend(bundle, saved[i].name, FED_FLOAT32, saved[i].count, saved[i].floats);
        else
            fed_bundle_lend(bundle, saved[i].name, FED_FLOAT64, saved[i].count, saved[i].doubles);
}

static void put_state(fed_bundle_t *bundle, const fed_federation_t *federation, bool complete) {
    fed_server_t *server = federation->server;
    int64_t integers[INTEGER_COUNT] = {
        [ROUNDS_DONE] = federation->rounds_done, [COMPLETE] = complete, [EPOCH] = 1};
    double reals[REAL_COUNT] = {0};
    put_vectors(bundle, federation);
    put_totals(&server->totals, integers, reals);
    fed_spending_put(&server->spending, bundle);
    if (server->centralized.rows) {
        fed_record_centralized(&server->record, &server->centralized);
        put_centralized(bundle, &server->centralized, integers, reals);
    }
    fed_bundle_put(bundle, "integers", FED_INT64, INTEGER_COUNT, integers);
    fed_bundle_put(bundle, "reals", FED_FLOAT64, REAL_COUNT, reals);
}

/* What the state belongs to. */
static void put_identity(fed_bundle_t *bundle, const fed_federation_t *federation) {
    const fed_run_t *run = federation->run;
    const fed_server_t *server = federation->server;
    fed_bundle_put(bundle, "fingerprint", FED_BYTE, sizeof server->fingerprint,
                   server->fingerprint);
    fed_bundle_put(bundle, "format", FED_INT64, 1, &(int64_t){FED_CHECKPOINT_FORMAT});
    fed_text_t ini = {0};
    fed_config_write(&run->config, false, &ini);
    fed_bundle_put(bundle, "config", FED_BYTE, ini.length, ini.chars);
    fed_text_fini(&ini);
}

/* A run that begins anew makes its journal anew: checkpoints that speak of the old one go. */
static void begin_journal(const fed_federation_t *federation) {
    if (federation->server->record.journaled.bytes == 0)
        fed_sealed_remove(fed_checkpoint_options(&federation->run->config)->file);
}

fed_status_t fed_checkpoint_spill(fed_federation_t *federation) {
    FED_AUTOFREE char *journal = fed_checkpoint_journal(federation->run);
    begin_journal(federation);
    return fed_record_spill(&federation->server->record, journal);
}

static fed_status_t save(fed_federation_t *federation, fed_bundle_t *bundle) {
    const fed_run_t *run = federation->run;
    FED_AUTOFREE char *journal = fed_checkpoint_journal(run);
    begin_journal(federation);
    FED_TRY(fed_record_save(&federation->server->record, journal, bundle));
    struct iovec pieces[FED_BUNDLE_PIECES];
    size_t count = fed_bundle_pieces(bundle, pieces);
    return fed_sealed_write(fed_checkpoint_options(&run->config)->file, pieces, count);
}

/* What the server writes when all clients' states are on the disk: then the checkpoint counts. */
static fed_status_t commit(fed_federation_t *federation, fed_bundle_t *bundle, bool complete) {
    put_identity(bundle, federation);
    put_state(bundle, federation, complete);
    fed_status_t status = save(federation, bundle);
    fed_states_files_settle(federation, status);
    return status;
}

fed_status_t fed_checkpoint_save(fed_federation_t *federation, bool complete) {
    fed_bundle_t bundle = {0};
    fed_status_t status = fed_states_files_save(federation, federation->server ? &bundle : NULL);
    if (status == FED_OK && federation->server)
        status = commit(federation, &bundle, complete);
    fed_bundle_fini(&bundle);
    return status;
}
