/* Which ranks train: no more of a node than it has cores for. Two ranks in turns on one core
 * push each other's parameters out of its caches, and the last of them ends alone. */
#ifndef FEDMPI_COMM_WORKERS_PRIVATE_H
#define FEDMPI_COMM_WORKERS_PRIVATE_H

#include "fedmpi/comm/workers.h"

/* Fill in cores, crowded, works, workers, leaders; what affinity tells where FEDMPI_CORES is
 * wrong, which is the status. Collective; the status is local. */
fed_status_t fed_workers_find(fed_comm_t *comm);

#endif
