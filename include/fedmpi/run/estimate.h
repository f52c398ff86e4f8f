/** How much memory a run will take, before it takes it. */
#ifndef FEDMPI_RUN_ESTIMATE_H
#define FEDMPI_RUN_ESTIMATE_H

#include "fedmpi/run/run.h"

#include <stddef.h>

/** Bytes at their peak. What MPI and the libraries had when the run was set up is in the ranks'. */
typedef struct fed_estimate {
    size_t node_bytes;   /**< shared by the ranks of a node: the data set */
    size_t client_bytes; /**< a rank that trains clients */
    size_t server_bytes; /**< rank 0; where there is no other it trains as well */
} fed_estimate_t;

/** @param clients_here  so many stay on the rank that has most of them, if all take part */
fed_estimate_t fed_estimate(const fed_run_t *run, size_t clients_here);

#endif
