/* Each sample belongs to the client that the data set names: the writer of a character,
 * as in LEAF's FEMNIST (Caldas et al. 2018, arXiv 1812.01097), the author of a text, the
 * device. Numbers need not be dense; clients are numbered in their ascending order. */
#include "schemes.h"

#include "grouping.h"

static fed_status_t deal(const fed_config_t *config, const fed_labels_t *labels,
                         fed_partition_t *partition) {
    if (!labels->clients)
        return fed_config_fail(config, "partition.scheme",
                               "the data set %s names no clients; hdf5 with /train/client does",
                               config->data.dataset);
    return fed_group_by_client(config, labels, partition);
}

const fed_partition_scheme_t fed_scheme_natural = {
    .plugin = {"natural",
               "the clients that the data set names for its samples (LEAF, Caldas et "
               "al. 2018)"},
    .deal = deal,
};
