/* Waiting for each other, and one status for all. */
#include "fedmpi/comm/agree.h"

#include "handle.h"
#include "wait.h"

#include <stdio.h>

fed_status_t fed_comm_agree(const fed_comm_t *comm, fed_status_t mine, fed_idle_t idle,
                            void *context) {
    if (comm->size == 1)
        return mine;
    /* The largest wins: the worst status, and of those who have it the lowest rank, which
     * brings its message (the server knows best where the user wrote what). */
    int64_t own = (int64_t)mine << 32 | (INT32_MAX - comm->rank), worst = 0;
    MPI_Request request;
    MPI_TRY(MPI_Iallreduce(&own, &worst, 1, MPI_INT64_T, MPI_MAX, comm->world, &request));
    fed_mpi_wait_idle(comm, &request, idle, context);
    fed_status_t status = (fed_status_t)(worst >> 32);
    if (status == FED_OK)
        return FED_OK;
    char message[FED_MESSAGE_BYTES] = "";
    snprintf(message, sizeof message, "%s", fed_error_message());
    MPI_TRY(MPI_Ibcast(message, sizeof message, MPI_CHAR, INT32_MAX - (int)(worst & INT32_MAX),
                       comm->world, &request));
    fed_mpi_wait(comm, &request);
    return fed_fail(status, "%s", message);
}
