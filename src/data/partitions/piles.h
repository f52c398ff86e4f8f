/* Piles of shuffled samples, and dealing them out: what partition schemes share. */
#ifndef FEDMPI_DATA_PARTITIONS_PILES_H
#define FEDMPI_DATA_PARTITIONS_PILES_H

#include "fedmpi/data/partition.h"

#include <stdbool.h>

/* Samples in random order, sorted into piles: class c, or all in one pile. */
typedef struct fed_piles {
    size_t count;
    size_t *first;     /* [count + 1] */
    uint32_t *samples; /* pile p is samples[first[p]] .. samples[first[p+1]-1] */
} fed_piles_t;

/* How many samples are dealt: clients * samples_per_client, or all where that is 0.
 * FED_INPUT when the training set has fewer, or fewer than one a client, and for 0 clients: only
 * data that name their clients say how many there are. */
fed_status_t fed_piles_supply(const fed_config_t *config, const fed_labels_t *labels,
                              size_t *total);

/* Pile up `total` of the training samples: all of them, or a random subset. */
void fed_piles_init(fed_piles_t *piles, const fed_labels_t *labels, size_t total, bool by_class,
                    uint64_t seed);
void fed_piles_fini(fed_piles_t *piles);

size_t fed_piles_size(const fed_piles_t *piles, size_t pile);

/* Round shares that sum up to 1 to counts that sum up to `total`: the sum of the first
 * k counts is the rounded sum of the first k shares. */
void fed_piles_apportion(size_t count, const double *shares, size_t total, size_t stride,
                         uint32_t *counts);

/* Let every client have at least partition.min_samples: those with fewer take single
 * samples, of its most frequent pile, from the client that has the most at that moment.
 * FED_INPUT when there are too few for all.
 * @param counts  [in,out] [clients][piles]: samples of each pile for each client */
fed_status_t fed_piles_level(const fed_config_t *config, size_t clients, size_t piles,
                             uint32_t *counts);

/* Deal: client k takes the next counts[k][p] samples of each pile p. */
void fed_piles_deal(const fed_piles_t *piles, size_t clients, const uint32_t *counts,
                    fed_partition_t *partition);

/* partition.min_samples, for schemes that call fed_piles_level. */
extern const fed_key_group_t fed_levelling_keys;

#endif
