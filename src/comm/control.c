#include "control.h"

#include "handle.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/stop.h"

#include <string.h>

enum { /* tags; below FED_STOP_REASONS: stop, for this reason */
       TAG_WHO_IS_THERE = FED_STOP_REASONS,
       TAG_ANSWER /* and the answer */
};

static fed_comm_t *listening; /* the one that the process has */

static void tell(const fed_comm_t *comm, int rank, int tag) {
    MPI_TRY(MPI_Send(NULL, 0, MPI_BYTE, rank, tag, comm->control.messages));
}

static void tell_others(const fed_comm_t *comm, int tag) {
    for (int rank = 0; rank < comm->size; rank++)
        if (rank != comm->rank)
            tell(comm, rank, tag);
}

static void take(fed_comm_t *comm, int source, int tag) {
    fed_control_t *control = &comm->control;
    MPI_TRY(MPI_Recv(NULL, 0, MPI_BYTE, source, tag, control->messages, MPI_STATUS_IGNORE));
    if (tag < FED_STOP_REASONS) {
        control->stops_heard++;
        fed_stop_ask(tag);
    } else if (tag == TAG_WHO_IS_THERE) {
        control->questions_heard++;
        tell(comm, source, TAG_ANSWER + (control->waits ? FED_ANSWER_WAITING : FED_ANSWER_WORKING));
    } else {
        control->answers_heard++;
        control->answers[source] = (fed_answer_t)(tag - TAG_ANSWER);
    }
}

static void listen_now(void) {
    fed_comm_t *comm = listening;
    fed_control_t *control = &comm->control;
    for (int there = 1; there;) {
        MPI_Status status;
        MPI_TRY(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, control->messages, &there, &status));
        if (there)
            take(comm, status.MPI_SOURCE, status.MPI_TAG);
    }
    /* Who heard it from another rank need not tell: that one tells all. */
    if (fed_stop_reason() != FED_STOP_NEVER && !control->told_stop && control->stops_heard == 0) {
        control->told_stop = true;
        tell_others(comm, fed_stop_reason());
    }
}

void fed_control_begin(fed_comm_t *comm) {
    if (comm->size == 1)
        return;
    MPI_TRY(MPI_Comm_dup(comm->world, &comm->control.messages));
    comm->control.answers = FED_NEW_ARRAY(fed_answer_t, (size_t)comm->size);
    listening = comm;
    fed_stop_listen_with(listen_now);
}

/* What was sent is received, so that nothing is left when MPI ends. */
void fed_control_end(fed_comm_t *comm) {
    fed_control_t *control = &comm->control;
    if (comm->size == 1)
        return;
    fed_stop_listen_with(NULL);
    int64_t sent[] = {control->told_stop, control->questions}, all[2];
    MPI_TRY(MPI_Allreduce(sent, all, 2, MPI_INT64_T, MPI_SUM, comm->world));
    int64_t stops = all[0] - control->told_stop, questions = all[1] - control->questions;
    control->told_stop = true; /* who has not told by now keeps it */
    while (control->stops_heard < stops || control->questions_heard < questions ||
           control->answers_heard < control->questions * (comm->size - 1))
        listen_now();
    listening = NULL;
    fed_free(control->answers);
    MPI_TRY(MPI_Comm_free(&control->messages));
}

fed_comm_t *fed_control_while_waiting(const fed_comm_t *comm) {
    if (comm != listening)
        return NULL;
    listening->control.waits = true;
    fed_stop_requested();
    listening->control.waits = false;
    return listening;
}

void fed_control_ask(fed_comm_t *comm) {
    fed_control_t *control = &comm->control;
    control->questions++;
    memset(control->answers, 0, (size_t)comm->size * sizeof *control->answers);
    tell_others(comm, TAG_WHO_IS_THERE);
}
