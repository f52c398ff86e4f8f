/* Filling the results file. */
#include "fedmpi/run/record.h"

#include "fedmpi/comm/workers.h"
#include "fedmpi/config/experiment.h"
#include "fedmpi/core/clock.h"
#include "fedmpi/core/environment.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/math/simd.h"
#include "fedmpi/run/arithmetic.h"
#include "fedmpi/run/checkpoint.h"
#include "fedmpi/run/version.h"

#include <math.h>
#include <string.h>

#define MOST_WAITING_BYTES ((size_t)4 << 20) /* of rows, of either kind */

/* The rounds last: a round that is in the file has its rows in the other tables. */
static const fed_table_t *const tables[FED_RECORD_TABLES] = {
    &fed_client_table,      &fed_local_epoch_table, &fed_personal_table,
    &fed_centralized_table, &fed_privacy_table,     &fed_round_table,
};

static const fed_key_t keys[] = {
    FED_PATH(fed_output_options_t, file, "results/mnist-fedavg.h5", "the results file, HDF5",
             .resumable = true),
};

const fed_key_group_t fed_output_keys = FED_KEY_GROUP("output", fed_output_options_t, keys);

static void describe_now(fed_archive_t *archive, const char *name) {
    char now[32];
    fed_clock_iso8601(now);
    fed_archive_describe(archive, "/", name, now);
}

static void describe_run(fed_archive_t *archive, const fed_run_t *run, const char *hosts) {
    fed_archive_describe_integer(archive, "/", "schema_version", FED_SCHEMA_VERSION);
    fed_archive_describe(archive, "/", "fedmpi_version", fed_version());
    fed_archive_describe(archive, "/", "git_revision", fed_git_revision());
    fed_archive_describe(archive, "/", "command_line", run->options->command_line);
    fed_archive_describe_integer(archive, "/", "ranks", fed_comm_size(run->comm));
    fed_archive_describe_integer(archive, "/", "workers", fed_comm_workers(run->comm));
    fed_archive_describe(archive, "/", "hosts", hosts);
    fed_archive_describe(archive, "/", "mpi_library", fed_comm_library(run->comm));
    fed_archive_describe(archive, "/", "hdf5_library", fed_archive_library());
    fed_archive_describe(archive, "/", "blas", run->machine.blas);
    fed_archive_describe(archive, "/", "kernels", fed_simd_name());
    fed_archive_describe(archive, "/", "cpu", run->machine.cpus);
    fed_archive_describe_integer(archive, "/", "seed", fed_experiment_options(&run->config)->seed);
    const char *job = fed_environment_get("SLURM_JOB_ID");
    if (job)
        fed_archive_describe(archive, "/", "slurm_job_id", job);
}

/* The attributes first: they make the group one that holds long ones. */
static void describe_config(fed_archive_t *archive, const fed_config_t *config) {
    fed_text_t unused = {0}, ini = {0};
    fed_text_append(&unused, "%s", "");
    for (size_t i = 0; i < config->count; i++) {
        const fed_config_value_t *value = &config->values[i];
        FED_AUTOFREE char *name = fed_format("%s.%s", value->section, value->key->name);
        fed_archive_describe(archive, "/config", name, value->text);
        if (!fed_config_uses(config, value->group))
            fed_text_append(&unused, "%s%s", unused.length ? "," : "", name);
    }
    fed_archive_describe(archive, "/config", "unused_keys", unused.chars);
    fed_config_write(config, false, &ini);
    fed_archive_put_text(archive, "/config/ini", ini.chars);
    fed_text_fini(&unused);
    fed_text_fini(&ini);
}

static void describe_data(fed_archive_t *archive, const fed_run_t *run) {
    const fed_dataset_t *data = &run->dataset;
    const struct {
        const char *name;
        size_t value;
    } counts[] = {
        {"train_samples", data->train.count},
        {"validation_samples", data->validation.count},
        {"test_samples", data->test.count},
        {"features", data->train.features},
        {"classes", data->classes},
        {"dropped_samples", data->dropped_samples},
        {"dropped_features", data->dropped_features},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fed_archive_describe_integer(archive, "/data", counts[i].name, (int64_t)counts[i].value);
    if (data->dropped_features > 0)
        fed_archive_put(archive, "/data/kept_features", FED_UINT32, 1, &data->train.features,
                        data->feature_of_columns);
}

/* Of samples that are generated nobody knows the labels before they are asked for. */
static void measure_sizes(const fed_partition_t *partition, fed_partition_row_t *rows) {
    for (size_t k = 0; k < partition->clients; k++)
        rows[k] = (fed_partition_row_t){
            .client = (int64_t)k,
            .samples = (int64_t)fed_partition_count(partition, k),
            .emd = NAN,
            .effective_classes = NAN,
        };
}

/* What a matrix of counts holds, in the attributes that a table's columns have. */
static void describe_counts(fed_archive_t *archive, const char *path, const char *help) {
    fed_archive_describe(archive, path, "unit", "1");
    fed_archive_describe(archive, path, "help", help);
}

static void measure_skew(fed_archive_t *archive, const fed_run_t *run, fed_partition_row_t *rows) {
    size_t shape[] = {run->partition.clients, run->dataset.classes};
    FED_AUTOFREE int64_t *counts = FED_NEW_ARRAY(int64_t, shape[0] * shape[1]);
    fed_labels_t labels = fed_run_labels(run);
    fed_partition_label_counts(&run->partition, &labels, counts);
    fed_archive_put_compressed(archive, "/partition/label_counts", FED_INT64, 2, shape, counts);
    describe_counts(archive, "/partition/label_counts",
                    "[client, class]: training samples of each class that a client holds");
    fed_partition_skew(shape[0], shape[1], counts, rows);
}

static void put_partition(fed_archive_t *archive, const fed_run_t *run) {
    size_t clients = run->partition.clients;
    FED_AUTOFREE fed_partition_row_t *rows = FED_NEW_ARRAY(fed_partition_row_t, clients);
    if (run->dataset.train.generator)
        measure_sizes(&run->partition, rows);
    else
        measure_skew(archive, run, rows);
    fed_archive_put_table(archive, &fed_partition_table, rows, clients);
}

/* @param history  is the record's from here on */
static void set_arithmetic(fed_record_t *record, char *history) {
    fed_free(record->arithmetic);
    record->arithmetic = history;
    fed_archive_describe(record->archive, "/", "arithmetic", history);
}

static void write_status(fed_record_t *record, fed_run_status_t status) {
    record->status = status;
    fed_archive_describe(record->archive, "/", "status", fed_run_statuses[status].name);
}

void fed_record_create(fed_record_t *record, const fed_run_t *run, const char *hosts) {
    *record = (fed_record_t){.run = run, .archive = fed_archive_create()};
    describe_run(record->archive, run, hosts);
    describe_config(record->archive, &run->config);
    describe_data(record->archive, run);
    fed_clock_iso8601(record->started);
    fed_archive_describe(record->archive, "/", "started", record->started);
    write_status(record, FED_RUN_RUNNING);
    set_arithmetic(record, fed_arithmetic_since(run, NULL, 0));
    put_partition(record->archive, run);
    for (size_t t = 0; t < FED_RECORD_TABLES; t++) {
        fed_columns_t columns = fed_columns_of(&run->config, tables[t]);
        record->tables[t] = fed_columns_compose(&columns);
        fed_archive_create_table(record->archive, &record->tables[t]);
    }
    fed_record_model(record, "/model/initial", run->initial);
    FED_AUTOFREE char *products = fed_arithmetic_products(run);
    fed_archive_describe(record->archive, "/model", "gemm", products);
}

static size_t index_of(const fed_table_t *table) {
    size_t t = 0;
    while (tables[t] != table)
        t++;
    return t;
}

/* Into the archive. @param t  which table */
static void append_rows(fed_record_t *record, size_t t, const void *rows, size_t count) {
    fed_archive_append(record->archive, &record->tables[t], rows, count);
    record->rows[t] += (int64_t)count;
    record->waiting_bytes += count * record->tables[t].row_bytes;
}

void fed_record_rows(fed_record_t *record, const fed_table_t *table, const void *rows,
                     size_t count) {
    size_t t = index_of(table);
    append_rows(record, t, rows, count);
    if (count > 0 && fed_checkpoint_options(&record->run->config)->every > 0)
        fed_bundle_put_rows(&record->pending, &record->tables[t], rows, count);
}

int64_t fed_record_count(const fed_record_t *record, const fed_table_t *table) {
    return record->rows[index_of(table)];
}

/* Both kinds, in arrays that have grown by half; and a block of the journal. */
size_t fed_record_rows_bytes(size_t round_bytes) {
    size_t waiting = round_bytes < MOST_WAITING_BYTES ? round_bytes : MOST_WAITING_BYTES;
    return waiting + 2 * (waiting + waiting / 2);
}

bool fed_record_is_full(const fed_record_t *record) {
    return record->waiting_bytes > MOST_WAITING_BYTES || record->pending.bytes > MOST_WAITING_BYTES;
}

/* How far the journal counts. */
static void put_mark(fed_bundle_t *checkpoint, const fed_mark_t *mark) {
    fed_bundle_put(checkpoint, "journal/bytes", FED_INT64, 1, &(int64_t){(int64_t)mark->bytes});
    fed_bundle_put(checkpoint, "journal/hash", FED_BYTE, sizeof mark->hash, mark->hash);
}

static fed_status_t get_mark(const fed_bundle_t *checkpoint, fed_mark_t *mark) {
    int64_t bytes;
    FED_TRY(fed_bundle_get(checkpoint, "journal/bytes", FED_INT64, 1, &bytes));
    if (bytes < 0)
        return fed_fail(FED_INPUT, "checkpoint: impossible length of its journal");
    mark->bytes = (uint64_t)bytes;
    return fed_bundle_get(checkpoint, "journal/hash", FED_BYTE, sizeof mark->hash, mark->hash);
}

fed_status_t fed_record_spill(fed_record_t *record, const char *journal) {
    fed_bundle_t *pending = &record->pending;
    if (pending->bytes > 0)
        FED_TRY(fed_journal_append(journal, &record->journaled, pending->block, pending->bytes));
    pending->bytes = 0; /* its memory is used again */
    return FED_OK;
}

fed_status_t fed_record_save(fed_record_t *record, const char *journal, fed_bundle_t *checkpoint) {
    FED_TRY(fed_record_spill(record, journal));
    put_mark(checkpoint, &record->journaled);
    fed_bundle_put(checkpoint, "started", FED_BYTE, strlen(record->started), record->started);
    fed_bundle_put(checkpoint, "arithmetic", FED_BYTE, strlen(record->arithmetic),
                   record->arithmetic);
    return FED_OK;
}

static fed_status_t restore_start(fed_record_t *record, const fed_bundle_t *checkpoint) {
    size_t length;
    const char *started = fed_bundle_find(checkpoint, "started", FED_BYTE, &length);
    if (!started || length >= sizeof record->started)
        return fed_fail(FED_INPUT, "checkpoint: does not say when the run started");
    memset(record->started, 0, sizeof record->started);
    memcpy(record->started, started, length);
    fed_archive_describe(record->archive, "/", "started", record->started);
    describe_now(record->archive, "resumed");
    return FED_OK;
}

/* Where there are no more rounds, nobody computes. */
static void restore_arithmetic(fed_record_t *record, const fed_bundle_t *checkpoint, int64_t rounds,
                               bool complete) {
    size_t length;
    const char *text = fed_bundle_find(checkpoint, "arithmetic", FED_BYTE, &length);
    if (!text)
        return; /* older versions did not say */
    char *history = fed_format("%.*s", (int)length, text);
    if (!complete) {
        char *then = history;
        history = fed_arithmetic_since(record->run, then, rounds);
        fed_free(then);
    }
    set_arithmetic(record, history);
}

fed_status_t fed_record_restore(fed_record_t *record, const fed_bundle_t *checkpoint,
                                int64_t rounds, bool complete) {
    FED_TRY(restore_start(record, checkpoint));
    restore_arithmetic(record, checkpoint, rounds, complete);
    return get_mark(checkpoint, &record->journaled);
}

static fed_status_t restore_table(fed_record_t *record, size_t t, const fed_bundle_t *bundle) {
    const void *rows;
    size_t at = 0, count;
    do {
        FED_TRY(fed_bundle_next_rows(bundle, &record->tables[t], &at, &rows, &count));
        append_rows(record, t, rows, count);
    } while (count > 0);
    return FED_OK;
}

/* The results file that is there has these rows too, and stays until a round adds to it. */
static fed_status_t spill_aside(fed_record_t *record) {
    FED_AUTOFREE char *aside =
        fed_format("%s.rows", fed_output_options(&record->run->config)->file);
    record->waiting_bytes = 0;
    return fed_archive_spill(record->archive, aside);
}

fed_status_t fed_record_restore_rows(fed_record_t *record, const fed_bundle_t *rows) {
    for (size_t t = 0; t < FED_RECORD_TABLES; t++)
        FED_TRY(restore_table(record, t, rows));
    return fed_record_is_full(record) ? spill_aside(record) : FED_OK;
}

static fed_status_t check_count(const fed_record_t *record, const fed_table_t *table,
                                int64_t expected) {
    int64_t count = fed_record_count(record, table);
    if (count != expected)
        return fed_fail(FED_INPUT, "checkpoint: %s has %lld rows in place of %lld", table->path,
                        (long long)count, (long long)expected);
    return FED_OK;
}

fed_status_t fed_record_check_rows(const fed_record_t *record, int64_t rounds, int64_t epochs) {
    FED_TRY(check_count(record, &fed_round_table, rounds));
    return check_count(record, &fed_centralized_table, epochs);
}

void fed_record_fini(fed_record_t *record) {
    fed_bundle_fini(&record->pending);
    fed_free(record->arithmetic);
    fed_archive_destroy(record->archive);
    for (size_t t = 0; t < FED_RECORD_TABLES; t++)
        fed_columns_free(&record->tables[t]);
    *record = (fed_record_t){0};
}

void fed_record_model(fed_record_t *record, const char *group, const float *w) {
    const fed_model_t *model = &record->run->model;
    for (size_t t = 0; t < model->tensor_count; t++) {
        const fed_tensor_t *tensor = &model->tensors[t];
        FED_AUTOFREE char *path = fed_format("%s/%s", group, tensor->name);
        FED_AUTOFREE float *values = FED_NEW_ARRAY(float, tensor->count);
        fed_tensor_export(tensor, w, values);
        fed_archive_put(record->archive, path, FED_FLOAT32, tensor->dimensions, tensor->shape,
                        values);
    }
}

void fed_record_confusion(fed_record_t *record, const char *path, const int64_t *confusion) {
    size_t shape[] = {record->run->dataset.classes, record->run->dataset.classes};
    fed_archive_put(record->archive, path, FED_INT64, 2, shape, confusion);
    describe_counts(record->archive, path, "[class, predicted]: test samples, final model");
}

void fed_record_centralized(fed_record_t *record, const fed_centralized_t *centralized) {
    int64_t complete = centralized->epoch - 1;
    int64_t recorded = fed_record_count(record, &fed_centralized_table);
    fed_record_rows(record, &fed_centralized_table, centralized->rows + recorded,
                    (size_t)(complete - recorded));
}

void fed_record_status(fed_record_t *record, fed_run_status_t status) {
    if (status == record->status)
        return;
    write_status(record, status);
    if (status != FED_RUN_RUNNING)
        describe_now(record->archive, "finished");
}

static fed_because_t because(fed_status_t status) {
    if (status == FED_STOPPED)
        return FED_BECAUSE_REQUEST;
    return status == FED_DIVERGED ? FED_BECAUSE_DIVERGENCE : FED_BECAUSE_FAILURE;
}

void fed_record_end(fed_record_t *record, fed_status_t status, const char *message) {
    fed_record_status(record, status == FED_OK ? FED_RUN_COMPLETE : FED_RUN_INTERRUPTED);
    if (status == FED_OK)
        return;
    fed_archive_describe(record->archive, "/", "stopped_because",
                         fed_becauses[because(status)].name);
    fed_archive_describe(record->archive, "/", "stopped_message", message);
}

fed_status_t fed_record_publish(fed_record_t *record, bool last) {
    FED_TRY(
        fed_archive_publish(record->archive, fed_output_options(&record->run->config)->file, last));
    record->waiting_bytes = 0;
    return FED_OK;
}
