/** Partitions: which client holds which training samples.
 *
 * Every rank computes the same partition from the labels and the seed; nothing is
 * sent. Clients never share a sample.
 */
#ifndef FEDMPI_DATA_PARTITION_H
#define FEDMPI_DATA_PARTITION_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/core/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** [partition]: what every scheme has. */
typedef struct fed_partition_options {
    const fed_plugin_t *scheme; /**< a fed_partition_scheme_t */
    int64_t clients, samples_per_client;
    double holdout;
} fed_partition_options_t;

FED_DECLARE_OPTIONS(fed_partition)

typedef struct fed_partition {
    size_t clients;
    size_t *first;     /**< [clients + 1]: client k holds samples[first[k]] .. [first[k+1]-1] */
    uint32_t *samples; /**< positions in the training set, ascending for each client; NULL: they
                            are first[k] .. first[k+1]-1 themselves, and listed when asked for */
    uint32_t *listed;  /**< room for one client's list where samples is NULL */
} fed_partition_t;

/** The training set as a partition scheme sees it. */
typedef struct fed_labels {
    const int32_t *labels; /**< [count], 0 .. classes-1 */
    size_t count, classes;
    const int32_t *client_of;      /**< [count], -1: nobody's; NULL: the data name no clients */
    const size_t *generated_first; /**< [generated_clients + 1]: samples that clients generate,
                                        labels is NULL then; NULL: samples are stored */
    size_t generated_clients;
} fed_labels_t;

/** A scheme: one const struct a file. */
typedef struct fed_partition_scheme {
    fed_plugin_t plugin;
    /** Deal the samples; FED_INPUT names the key that cannot be satisfied.
     * @param partition  [out] first and samples allocated, clients set; a failing deal
     *                   leaves what it has made for fed_partition_fini */
    fed_status_t (*deal)(const fed_config_t *config, const fed_labels_t *labels,
                         fed_partition_t *partition);
    bool takes_generated; /**< also deals samples that are not stored */
    bool shifts_features; /**< clients see their samples through a fed_transform_t */
    bool follows_data;    /**< the data say how many clients there are and what each holds */
} fed_partition_scheme_t;

/** The table behind partition.scheme. */
extern const fed_plugin_table_t fed_partition_schemes;

/** The scheme that the configuration names. */
const fed_partition_scheme_t *fed_partition_scheme_of(const fed_config_t *config);

/** Deal the training set as the configuration says. Local, the same on every rank. */
fed_status_t fed_partition_init(fed_partition_t *partition, const fed_config_t *config,
                                const fed_labels_t *labels);
void fed_partition_fini(fed_partition_t *partition);

/** How many samples client k holds. */
size_t fed_partition_count(const fed_partition_t *partition, size_t client);

/** Samples of client k, and how many; valid until the next call. */
const uint32_t *fed_partition_samples(const fed_partition_t *partition, size_t client,
                                      size_t *count);

/** The samples of all clients, one client after the other: [fed_partition_total], the
 * caller frees it. */
uint32_t *fed_partition_pool(const fed_partition_t *partition);

/** Bytes of the partition's own memory. */
size_t fed_partition_bytes(const fed_partition_t *partition);

/** Take a share of each client's samples out, drawn by the seed and rounded down, into a
 * partition of their own. Local, the same on every rank.
 * @param partition  [in,out] what is left
 * @param holdout    [out]    for fed_partition_fini; without clients where share is 0 */
void fed_partition_hold_out(fed_partition_t *partition, double share, uint64_t seed,
                            fed_partition_t *holdout);

/** Samples that all clients hold together. */
size_t fed_partition_total(const fed_partition_t *partition);

/** Count labels: counts[clients][classes]. */
void fed_partition_label_counts(const fed_partition_t *partition, const fed_labels_t *labels,
                                int64_t *counts);

/** What a client holds, from first to last round. */
typedef struct fed_partition_row {
    int64_t client;
    int64_t samples;
    double emd; /**< L1 distance of its label distribution to everybody's; NaN: unknown */
    double effective_classes; /**< exp(entropy) of its label distribution; NaN: unknown */
} fed_partition_row_t;

extern const fed_table_t fed_partition_table;

/** How far each client's labels are from what all clients hold together.
 *
 * emd: sum over classes of |p_k(c) - p(c)|, 0 to 2, as Zhao et al. 2018, "Federated
 * learning with non-IID data" (arXiv 1806.00582), measure it. effective_classes:
 * exp(entropy of p_k), 1 (one class) to the number of classes (Hill 1973).
 * @param counts  [in]  [clients][classes]; every client has a sample
 * @param rows    [out] [clients] */
void fed_partition_skew(size_t clients, size_t classes, const int64_t *counts,
                        fed_partition_row_t *rows);

#endif
