/* The data sets that are compiled in: a new one is a line here and in dataset.c. */
#ifndef FEDMPI_DATA_SOURCES_SOURCES_H
#define FEDMPI_DATA_SOURCES_SOURCES_H

#include "fedmpi/data/dataset.h"

extern const fed_source_t fed_source_mnist, fed_source_fashion_mnist, fed_source_kmnist,
    fed_source_emnist, fed_source_cifar10, fed_source_idx, fed_source_hdf5, fed_source_tff,
    fed_source_synthetic;

#endif
