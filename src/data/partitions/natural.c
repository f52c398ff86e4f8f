/* Each sample belongs to the client that the data set names: the writer of a character,
 * as in LEAF's FEMNIST (Caldas et al. 2018, arXiv 1812.01097), the author of a text, the
 * device. Numbers need not be dense; clients are numbered in their ascending order. */
#include "schemes.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/data/dataset.h"
#include "grouping.h"

#include <string.h>

/* Generated samples stand client by client: nothing needs to be listed. */
static void hold_generated(const fed_labels_t *labels, fed_partition_t *partition) {
    size_t clients = labels->generated_clients, largest = 0;
    partition->clients = clients;
    partition->first = FED_NEW_ARRAY(size_t, clients + 1);
    memcpy(partition->first, labels->generated_first, (clients + 1) * sizeof *partition->first);
    for (size_t k = 0; k < clients; k++) {
        size_t count = partition->first[k + 1] - partition->first[k];
        largest = count > largest ? count : largest;
    }
    partition->listed = FED_NEW_ARRAY(uint32_t, largest);
}

static fed_status_t deal(const fed_config_t *config, const fed_labels_t *labels,
                         fed_partition_t *partition) {
    if (labels->generated_first) {
        hold_generated(labels, partition);
        return FED_OK;
    }
    if (!labels->client_of)
        return fed_config_fail(config, "partition.scheme",
                               "the data set %s names no clients; hdf5 with /train/client does",
                               fed_data_options(config)->dataset->name);
    return fed_group_by_client(config, labels, partition);
}

const fed_partition_scheme_t fed_scheme_natural = {
    .plugin = {.name = "natural",
               .summary = "the clients that the data set names for its samples (LEAF, Caldas et "
                          "al. 2018)"},
    .deal = deal,
    .takes_generated = true,
    .follows_data = true,
};
