/* Dealing the training set to clients. */
#include "data/partitions/schemes.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/random.h"
#include "fedmpi/core/sort.h"
#include "fedmpi/data/dataset.h"

#include <math.h>
#include <string.h>

/* clang-format off */
static const fed_column_t partition_columns[] = {
    FED_INTEGER_COLUMN(fed_partition_row_t, client, "1", "number of the client, from 0"),
    FED_INTEGER_COLUMN(fed_partition_row_t, samples, "1", "training samples that it holds"),
    FED_REAL_COLUMN(fed_partition_row_t, emd, "1", "earth mover's distance: sum over classes of |its share - the share in all clients|; NaN: generated samples"),
    FED_REAL_COLUMN(fed_partition_row_t, effective_classes, "1", "exp(entropy of its label distribution); NaN: generated samples"),
};
/* clang-format on */

const fed_table_t fed_partition_table = {
    .path = "partition/clients",
    .help = "one row for each client: how much it holds and how skewed",
    FED_COLUMNS(partition_columns),
    .row_bytes = sizeof(fed_partition_row_t),
};

const fed_plugin_table_t fed_partition_schemes =
    FED_PLUGIN_TABLE("partition scheme", FED_PARTITION_SCHEMES);

/* clang-format off */
static const fed_key_t keys[] = {
    FED_NAME(fed_partition_options_t, scheme, &fed_partition_schemes, "iid", "how the training set is dealt to the clients, see --list"),
    FED_INTEGER(fed_partition_options_t, clients, 0, FED_CLIENTS_MAX, "150", "number of clients; 0: all that the data name (natural, file)"),
    FED_INTEGER(fed_partition_options_t, samples_per_client, 0, FED_COUNT_MAX, "300", "samples a client holds, on average where sizes differ; natural, file, synthetic data: at most; 0: share everything out"),
    FED_REAL(fed_partition_options_t, holdout, 0, 0.9, "0", "share of each client's samples that it does not train on but is evaluated on, see federated/personalization"),
};
/* clang-format on */

const fed_key_group_t fed_partition_keys =
    FED_KEY_GROUP("partition", fed_partition_options_t, keys);

const fed_partition_scheme_t *fed_partition_scheme_of(const fed_config_t *config) {
    return (const fed_partition_scheme_t *)fed_partition_options(config)->scheme;
}

fed_status_t fed_partition_init(fed_partition_t *partition, const fed_config_t *config,
                                const fed_labels_t *labels) {
    *partition = (fed_partition_t){0};
    const fed_partition_scheme_t *scheme = fed_partition_scheme_of(config);
    if (labels->generated_first && !scheme->takes_generated)
        return fed_config_fail(config, "partition.scheme",
                               "data.dataset = %s generates each client's own samples, accepted is "
                               "natural",
                               fed_data_options(config)->dataset->name);
    FED_TRY(scheme->deal(config, labels, partition));
    for (size_t k = 0; partition->samples && k < partition->clients; k++)
        fed_sort_uint32(partition->samples + partition->first[k],
                        fed_partition_count(partition, k));
    return FED_OK;
}

void fed_partition_hold_out(fed_partition_t *partition, double share, uint64_t seed,
                            fed_partition_t *holdout) {
    *holdout = (fed_partition_t){0};
    if (share == 0)
        return;
    if (!partition->samples)
        partition->samples = fed_partition_pool(partition);
    *holdout = (fed_partition_t){
        .clients = partition->clients,
        .first = FED_NEW_ARRAY(size_t, partition->clients + 1),
        .samples = FED_NEW_ARRAY(uint32_t, partition->first[partition->clients]),
    };
    size_t left = 0, taken = 0, next = partition->first[0];
    for (size_t k = 0; k < partition->clients; k++) {
        uint32_t *own = partition->samples + next;
        size_t count = partition->first[k + 1] - next;
        size_t out = (size_t)(share * (double)count), in = count - out;
        fed_stream_t stream = {.seed = seed, .purpose = FED_RANDOM_HOLDOUT, .who = (uint32_t)k};
        fed_random_permute(&stream, own, out > 0 ? count : 0);
        fed_sort_uint32(own, in);
        fed_sort_uint32(own + in, out);
        memcpy(holdout->samples + taken, own + in, out * sizeof *own);
        memmove(partition->samples + left, own, in * sizeof *own);
        next = partition->first[k + 1];
        partition->first[k + 1] = left += in;
        holdout->first[k + 1] = taken += out;
    }
}

void fed_partition_fini(fed_partition_t *partition) {
    fed_free(partition->first);
    fed_free(partition->samples);
    fed_free(partition->listed);
    *partition = (fed_partition_t){0};
}

size_t fed_partition_count(const fed_partition_t *partition, size_t client) {
    return partition->first[client + 1] - partition->first[client];
}

static void list_range(size_t first, size_t count, uint32_t *samples) {
    for (size_t i = 0; i < count; i++)
        samples[i] = (uint32_t)(first + i);
}

const uint32_t *fed_partition_samples(const fed_partition_t *partition, size_t client,
                                      size_t *count) {
    size_t first = partition->first[client];
    *count = fed_partition_count(partition, client);
    if (partition->samples)
        return partition->samples + first;
    list_range(first, *count, partition->listed);
    return partition->listed;
}

uint32_t *fed_partition_pool(const fed_partition_t *partition) {
    size_t total = fed_partition_total(partition);
    uint32_t *pool = FED_NEW_ARRAY(uint32_t, total);
    if (partition->samples)
        memcpy(pool, partition->samples, total * sizeof *pool);
    else
        list_range(0, total, pool);
    return pool;
}

size_t fed_partition_bytes(const fed_partition_t *partition) {
    size_t listed = 0;
    for (size_t k = 0; !partition->samples && k < partition->clients; k++)
        if (fed_partition_count(partition, k) > listed)
            listed = fed_partition_count(partition, k);
    if (partition->samples)
        listed = fed_partition_total(partition);
    return (partition->clients + 1) * sizeof *partition->first + listed * sizeof(uint32_t);
}

size_t fed_partition_total(const fed_partition_t *partition) {
    return partition->first[partition->clients];
}

void fed_partition_label_counts(const fed_partition_t *partition, const fed_labels_t *labels,
                                int64_t *counts) {
    for (size_t k = 0; k < partition->clients; k++)
        for (size_t i = partition->first[k]; i < partition->first[k + 1]; i++)
            counts[k * labels->classes + (size_t)labels->labels[partition->samples[i]]]++;
}

void fed_partition_skew(size_t clients, size_t classes, const int64_t *counts,
                        fed_partition_row_t *rows) {
    FED_AUTOFREE double *global = FED_NEW_ARRAY(double, classes);
    double total = 0;
    for (size_t i = 0; i < clients * classes; i++) {
        global[i % classes] += (double)counts[i];
        total += (double)counts[i];
    }
    for (size_t k = 0; k < clients; k++, counts += classes) {
        rows[k] = (fed_partition_row_t){.client = (int64_t)k};
        for (size_t c = 0; c < classes; c++)
            rows[k].samples += counts[c];
        double entropy = 0;
        for (size_t c = 0; c < classes; c++) {
            double p = (double)counts[c] / (double)rows[k].samples;
            rows[k].emd += fabs(p - global[c] / total);
            entropy -= p > 0 ? p * log(p) : 0;
        }
        rows[k].effective_classes = exp(entropy);
    }
}
