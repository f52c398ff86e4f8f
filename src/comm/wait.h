/* Waiting without taking a core.
 *
 * A blocking MPI call spins, and on a machine with fewer cores than ranks it spins on a
 * core that another rank has work for (that it yields in between helps little: measured
 * with 6 ranks on 2 cores, a broadcast of 0.8 MB between two phases of work took 10 ms
 * instead of 1). So every collective here is a non-blocking one, polled between naps.
 */
#ifndef FEDMPI_COMM_WAIT_H
#define FEDMPI_COMM_WAIT_H

#include "fedmpi/comm/agree.h"

#include <mpi.h>

/* Naps as short as they are taken here, and not 50 us longer as by default. */
void fed_mpi_allow_short_naps(void);

/* Until the request of a collective that moves data is complete. */
void fed_mpi_wait(const fed_comm_t *comm, MPI_Request *request);

/* The same for ranks that others may keep waiting for long: works on what `idle` offers (NULL:
 * nothing), else naps longer. */
void fed_mpi_wait_idle(const fed_comm_t *comm, MPI_Request *request, fed_idle_t idle,
                       void *context);

#endif
