/* Partitions that the data dictate: samples grouped by the client that each names. */
#ifndef FEDMPI_DATA_PARTITIONS_GROUPING_H
#define FEDMPI_DATA_PARTITIONS_GROUPING_H

#include "fedmpi/data/partition.h"

/* Group samples by labels->client_of, in ascending order of the numbers there are; those
 * below 0 are left out. At most partition.clients groups and samples_per_client samples of
 * each, the first ones; 0: all. FED_INPUT where fewer clients are named. */
fed_status_t fed_group_by_client(const fed_config_t *config, const fed_labels_t *labels,
                                 fed_partition_t *partition);

#endif
