#include "workers.h"

#include "handle.h"

#include "fedmpi/core/environment.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/number.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>

/* This rank's cores as a set; all if there are more than such a set holds. */
static void get_affinity(cpu_set_t *cores) {
    CPU_ZERO(cores);
    if (sched_getaffinity(0, sizeof *cores, cores) != 0)
        for (int core = 0; core < CPU_SETSIZE; core++)
            CPU_SET(core, cores);
}

/* Of all ranks of the node together. */
static int cores_by_affinity(const fed_comm_t *comm) {
    cpu_set_t cores;
    get_affinity(&cores);
    if (comm->node_size > 1)
        MPI_TRY(MPI_Allreduce(MPI_IN_PLACE, &cores, sizeof cores, MPI_BYTE, MPI_BOR, comm->node));
    return CPU_COUNT(&cores);
}

/* For where affinity does not tell, as in a container that has a share of the time. */
static fed_status_t read_cores(int *cores) {
    const char *text = fed_environment_get("FEDMPI_CORES");
    if (!text)
        return FED_OK;
    int64_t told;
    if (!fed_number_integer(text, &told) || told < 1 || told > INT_MAX)
        return fed_environment_fail("FEDMPI_CORES", NULL);
    *cores = (int)told;
    return FED_OK;
}

/* The server leads its node, and trains only where it is alone. */
static bool is_worker(const fed_comm_t *comm) {
    if (comm->rank == 0)
        return comm->size == 1;
    bool beside_server = comm->leaders[comm->rank] == 0;
    return comm->node_rank - beside_server < comm->cores;
}

/* One number of each rank on all of them. */
static int *from_each(const fed_comm_t *comm, int mine) {
    int *all = FED_NEW_ARRAY(int, (size_t)comm->size);
    if (comm->size > 1)
        MPI_TRY(MPI_Allgather(&mine, 1, MPI_INT, all, 1, MPI_INT, comm->world));
    else
        all[0] = mine;
    return all;
}

fed_status_t fed_workers_find(fed_comm_t *comm) {
    comm->cores = cores_by_affinity(comm);
    fed_status_t status = read_cores(&comm->cores);
    int leader = comm->rank;
    comm->crowded = comm->node_size > comm->cores;
    if (comm->node_size > 1)
        MPI_TRY(MPI_Bcast(&leader, 1, MPI_INT, 0, comm->node));
    comm->leaders = from_each(comm, leader);
    comm->works = is_worker(comm);
    comm->workers = from_each(comm, comm->works);
    for (int rank = 0; rank < comm->size; rank++)
        if (comm->workers[rank])
            comm->workers[comm->worker_count++] = rank;
    return status;
}

int fed_comm_workers(const fed_comm_t *comm) {
    return comm->worker_count;
}

int fed_comm_worker(const fed_comm_t *comm, int worker) {
    return comm->workers[worker];
}

bool fed_comm_works(const fed_comm_t *comm) {
    return comm->works;
}

bool fed_comm_is_near(const fed_comm_t *comm, int rank) {
    return comm->leaders[rank] == comm->leaders[comm->rank];
}
