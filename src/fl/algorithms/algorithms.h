/* The algorithms that are compiled in: a new one is a line here and in algorithms.c. */
#ifndef FEDMPI_FL_ALGORITHMS_ALGORITHMS_H
#define FEDMPI_FL_ALGORITHMS_ALGORITHMS_H

#include "fedmpi/fl/algorithm.h"

extern const fed_algorithm_t fed_algorithm_fedavg, fed_algorithm_fedsgd, fed_algorithm_fedprox,
    fed_algorithm_scaffold, fed_algorithm_fednova, fed_algorithm_feddyn;

#endif
