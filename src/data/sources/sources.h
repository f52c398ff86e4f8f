/* The data sets that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_DATA_SOURCES_SOURCES_H
#define FEDMPI_DATA_SOURCES_SOURCES_H

#include "fedmpi/data/dataset.h"

#define FED_SOURCES(each)                                                                          \
    each(fed_source_mnist), each(fed_source_fashion_mnist), each(fed_source_kmnist),               \
        each(fed_source_emnist), each(fed_source_cifar10), each(fed_source_idx),                   \
        each(fed_source_hdf5), each(fed_source_tff), each(fed_source_synthetic)

extern const fed_source_t FED_SOURCES(FED_PLUGIN_ITSELF);

#endif
