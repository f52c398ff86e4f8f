/* The partition schemes that are compiled in: a new one is a line here and in
 * partition.c. */
#ifndef FEDMPI_DATA_PARTITIONS_SCHEMES_H
#define FEDMPI_DATA_PARTITIONS_SCHEMES_H

#include "fedmpi/data/partition.h"

/* Whether clients get the same count of every class, for schemes that deal as iid does. */
extern const fed_key_group_t fed_iid_keys;

extern const fed_partition_scheme_t fed_scheme_iid, fed_scheme_dirichlet, fed_scheme_shards,
    fed_scheme_quantity, fed_scheme_feature, fed_scheme_natural, fed_scheme_file;

#endif
