/** Which ranks train: no more of a node than it has cores for. */
#ifndef FEDMPI_COMM_WORKERS_H
#define FEDMPI_COMM_WORKERS_H

#include "fedmpi/comm/comm.h"

#include <stdbool.h>

/** The ranks that train: the server where it is alone, else of each node's other ranks as many
 * as it has cores for, by their affinity or by the environment variable FEDMPI_CORES. The
 * same on every rank, at least one. */
int fed_comm_workers(const fed_comm_t *comm);
/** Rank of a worker; ascending. */
int fed_comm_worker(const fed_comm_t *comm, int worker);
/** Is this rank a worker? */
bool fed_comm_works(const fed_comm_t *comm);

/** Is that rank on this rank's node? */
bool fed_comm_is_near(const fed_comm_t *comm, int rank);

#endif
