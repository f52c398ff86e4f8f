/* Dealing the training set to clients. */
#include "schemes.h"

#include "fedmpi/core/memory.h"

#include <stdlib.h>

static const fed_plugin_t *const scheme_entries[] = {
    &fed_scheme_iid.plugin,
};

const fed_plugin_table_t fed_partition_schemes = {
    .kind = "partition scheme",
    .key = "partition.scheme",
    .entries = scheme_entries,
    .count = sizeof scheme_entries / sizeof *scheme_entries,
};

static int ascending(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

fed_status_t fed_partition_init(fed_partition_t *partition, const fed_config_t *config,
                                const fed_labels_t *labels) {
    *partition = (fed_partition_t){0};
    const fed_partition_scheme_t *scheme;
    FED_TRY(fed_config_choose(config, &fed_partition_schemes, config->partition.scheme,
                              (const fed_plugin_t **)&scheme));
    FED_TRY(scheme->deal(config, labels, partition));
    for (size_t k = 0; k < partition->clients; k++)
        qsort(partition->samples + partition->first[k],
              partition->first[k + 1] - partition->first[k], sizeof *partition->samples, ascending);
    return FED_OK;
}

void fed_partition_fini(fed_partition_t *partition) {
    fed_free(partition->first);
    fed_free(partition->samples);
    *partition = (fed_partition_t){0};
}

const uint32_t *fed_partition_samples(const fed_partition_t *partition, size_t client,
                                      size_t *count) {
    *count = partition->first[client + 1] - partition->first[client];
    return partition->samples + partition->first[client];
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
