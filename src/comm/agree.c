/* Waiting for each other, and one status for all. */
#include "fedmpi/comm/agree.h"

#include "handle.h"
#include "wait.h"

#include "fedmpi/core/memory.h"

#include <stdio.h>

/* The largest wins: the worst status, and of those who have it the lowest rank, which brings its
 * message (the server knows best where the user wrote what). */
static uint64_t vote(const fed_comm_t *comm, fed_status_t status) {
    return (uint64_t)status << 32 | (uint64_t)(INT32_MAX - comm->rank);
}

/* The status that won, with its message. Collective. */
static fed_status_t accept(const fed_comm_t *comm, uint64_t worst) {
    fed_status_t status = (fed_status_t)(worst >> 32);
    int winner = INT32_MAX - (int)(worst & INT32_MAX);
    if (status == FED_OK)
        return FED_OK;
    char message[FED_MESSAGE_BYTES] = "";
    snprintf(message, sizeof message, "%s", fed_error_message());
    MPI_Request request;
    MPI_TRY(MPI_Ibcast(message, sizeof message, MPI_CHAR, winner, comm->world, &request));
    fed_mpi_wait(comm, &request);
    return fed_fail(status, "%s", message);
}

fed_status_t fed_comm_agree_largest(const fed_comm_t *comm, fed_status_t mine, size_t *values,
                                    size_t count, fed_idle_t idle, void *context) {
    if (comm->size == 1)
        return mine;
    FED_AUTOFREE uint64_t *all = FED_NEW_ARRAY(uint64_t, 1 + count);
    all[0] = vote(comm, mine);
    for (size_t i = 0; i < count; i++)
        all[1 + i] = values[i];
    MPI_Request request;
    MPI_TRY(MPI_Iallreduce(MPI_IN_PLACE, all, (int)(1 + count), MPI_UINT64_T, MPI_MAX, comm->world,
                           &request));
    fed_mpi_wait_idle(comm, &request, idle, context);
    for (size_t i = 0; i < count; i++)
        values[i] = all[1 + i];
    return accept(comm, all[0]);
}

fed_status_t fed_comm_agree(const fed_comm_t *comm, fed_status_t mine, fed_idle_t idle,
                            void *context) {
    return fed_comm_agree_largest(comm, mine, NULL, 0, idle, context);
}
