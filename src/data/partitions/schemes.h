/* The partition schemes that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_DATA_PARTITIONS_SCHEMES_H
#define FEDMPI_DATA_PARTITIONS_SCHEMES_H

#include "fedmpi/data/partition.h"

/* Whether clients get the same count of every class, for schemes that deal as iid does. */
extern const fed_key_group_t fed_iid_keys;

#define FED_PARTITION_SCHEMES(each)                                                                \
    each(fed_scheme_iid), each(fed_scheme_dirichlet), each(fed_scheme_shards),                     \
        each(fed_scheme_quantity), each(fed_scheme_feature), each(fed_scheme_natural),             \
        each(fed_scheme_file)

extern const fed_partition_scheme_t FED_PARTITION_SCHEMES(FED_PLUGIN_ITSELF);

#endif
