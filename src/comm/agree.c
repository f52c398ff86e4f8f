/* Waiting for each other, and one status for all. */
#include "internal.h"

#include "fedmpi/core/clock.h"

#include <stdio.h>

#define NAP_SECONDS 200e-6 /* short against a round, long against a context switch */

static void wait_without_spinning(MPI_Request *request, fed_idle_t idle, void *context) {
    bool work_left = idle != NULL;
    for (int done = 0; !done;) {
        MPI_TRY(MPI_Test(request, &done, MPI_STATUS_IGNORE));
        if (done)
            break;
        work_left = work_left && idle(context);
        if (!work_left)
            fed_clock_sleep(NAP_SECONDS);
    }
}

fed_status_t fed_comm_agree(const fed_comm_t *comm, fed_status_t mine, fed_idle_t idle,
                            void *context) {
    /* The largest wins: the worst status, and of those who have it the lowest rank, which
     * brings its message (the server knows best where the user wrote what). */
    int64_t own = (int64_t)mine << 32 | (INT32_MAX - comm->rank), worst = 0;
    MPI_Request request;
    MPI_TRY(MPI_Iallreduce(&own, &worst, 1, MPI_INT64_T, MPI_MAX, comm->world, &request));
    wait_without_spinning(&request, idle, context);
    fed_status_t status = (fed_status_t)(worst >> 32);
    if (status == FED_OK)
        return FED_OK;
    char message[2048] = "";
    snprintf(message, sizeof message, "%s", fed_error_message());
    MPI_TRY(MPI_Bcast(message, sizeof message, MPI_CHAR, INT32_MAX - (int)(worst & INT32_MAX),
                      comm->world));
    return fed_fail(status, "%s", message);
}
