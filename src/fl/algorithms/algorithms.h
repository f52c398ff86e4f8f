/* The algorithms that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_FL_ALGORITHMS_ALGORITHMS_H
#define FEDMPI_FL_ALGORITHMS_ALGORITHMS_H

#include "fedmpi/fl/algorithm.h"

#define FED_ALGORITHMS(each)                                                                       \
    each(fed_algorithm_fedavg), each(fed_algorithm_fedsgd), each(fed_algorithm_fedprox),           \
        each(fed_algorithm_scaffold), each(fed_algorithm_fednova), each(fed_algorithm_feddyn)

extern const fed_algorithm_t FED_ALGORITHMS(FED_PLUGIN_ITSELF);

#endif
