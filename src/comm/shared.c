/* Memory shared by the ranks of a node. */
#include "fedmpi/comm/shared.h"

#include "handle.h"
#include "wait.h"

#include "fedmpi/core/memory.h"

#include <stdatomic.h>
#include <string.h>

struct fed_shared {
    const fed_comm_t *comm; /* borrowed */
    MPI_Win window;
    void *bytes;
};

fed_shared_t *fed_shared_create(const fed_comm_t *comm, size_t bytes) {
    fed_shared_t *shared = FED_NEW(fed_shared_t);
    shared->comm = comm;
    /* A cache line more, to align the start in every rank's own mapping. */
    MPI_Aint size = fed_comm_leads_node(comm) ? (MPI_Aint)(bytes + FED_ALIGNMENT) : 0;
    void *own;
    MPI_TRY(MPI_Win_allocate_shared(size, 1, MPI_INFO_NULL, comm->node, &own, &shared->window));
    int unit;
    MPI_TRY(MPI_Win_shared_query(shared->window, 0, &size, &unit, &shared->bytes));
    MPI_TRY(MPI_Win_lock_all(MPI_MODE_NOCHECK, shared->window));
    uintptr_t address = (uintptr_t)shared->bytes;
    shared->bytes = (char *)shared->bytes + (-address & (FED_ALIGNMENT - 1));
    if (fed_comm_leads_node(comm))
        memset(shared->bytes, 0, bytes); /* on one rank MPI gives memory as malloc does */
    fed_shared_publish(shared);
    return shared;
}

void fed_shared_destroy(fed_shared_t *shared) {
    if (!shared)
        return;
    MPI_TRY(MPI_Win_unlock_all(shared->window));
    MPI_TRY(MPI_Win_free(&shared->window));
    fed_free(shared);
}

void *fed_shared_bytes(const fed_shared_t *shared) {
    return shared->bytes;
}

void fed_shared_publish(const fed_shared_t *shared) {
    MPI_TRY(MPI_Win_sync(shared->window));
    MPI_Request request; /* the leader may have been reading files for long */
    MPI_TRY(MPI_Ibarrier(shared->comm->node, &request));
    fed_mpi_wait_idle(shared->comm, &request, NULL, NULL);
    MPI_TRY(MPI_Win_sync(shared->window));
}

/* The upper half of the word is the round: the first turn of a round needs no reset before. */
uint32_t fed_shared_take_turn(const fed_shared_t *shared, uint32_t round) {
    _Atomic uint64_t *latest = shared->bytes;
    uint64_t seen = atomic_load(latest), turn;
    do {
        if (seen >> 32 > round)
            return UINT32_MAX;
        turn = seen >> 32 == round ? seen + 1 : (uint64_t)round << 32;
    } while (!atomic_compare_exchange_weak(latest, &seen, turn));
    return (uint32_t)turn;
}
