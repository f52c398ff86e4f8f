#include "control.h"

#include "handle.h"

#include "fedmpi/core/clock.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/stop.h"

#include <string.h>

#define MOST_NAMED 8 /* ranks in a message */

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
        control->heard_at[source] = fed_clock_seconds();
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

/* Each asks the server, and the server asks all. */
static void gather_hosts(fed_comm_t *comm) {
    char(*hosts)[FED_COMM_TEXT_BYTES] = comm->control.hosts;
    MPI_TRY(MPI_Gather(comm->host, sizeof comm->host, MPI_CHAR, hosts, sizeof comm->host, MPI_CHAR,
                       0, comm->world));
    MPI_TRY(MPI_Bcast(hosts[0], sizeof hosts[0], MPI_CHAR, 0, comm->world));
}

void fed_control_begin(fed_comm_t *comm) {
    if (comm->size == 1)
        return;
    MPI_TRY(MPI_Comm_dup(comm->world, &comm->control.messages));
    fed_control_t *control = &comm->control;
    size_t ranks = (size_t)comm->size, asked = comm->rank == 0 ? ranks : 1;
    control->answers = FED_NEW_ARRAY(fed_answer_t, ranks);
    control->heard_at = FED_NEW_ARRAY(double, ranks);
    control->hosts = fed_alloc(asked, sizeof *control->hosts);
    gather_hosts(comm);
    listening = comm;
    fed_stop_listen_with(listen_now);
}

/* What was sent is received, so that nothing is left when MPI ends. */
void fed_control_end(fed_comm_t *comm) {
    fed_control_t *control = &comm->control;
    if (comm->size == 1)
        return;
    fed_stop_listen_with(NULL);
    bool is_server = comm->rank == 0;
    int64_t sent[] = {control->told_stop, is_server ? control->questions : 0,
                      is_server ? 0 : control->questions};
    int64_t all[3];
    MPI_TRY(MPI_Allreduce(sent, all, 3, MPI_INT64_T, MPI_SUM, comm->world));
    int64_t stops = all[0] - control->told_stop, questions = is_server ? all[2] : all[1];
    control->told_stop = true; /* who has not told by now keeps it */
    while (control->stops_heard < stops || control->questions_heard < questions ||
           control->answers_heard < control->questions * (is_server ? comm->size - 1 : 1))
        listen_now();
    listening = NULL;
    fed_free(control->hosts);
    fed_free(control->heard_at);
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
    if (comm->rank == 0)
        tell_others(comm, TAG_WHO_IS_THERE);
    else
        tell(comm, 0, TAG_WHO_IS_THERE);
}

static fed_answer_t answer_since(const fed_control_t *control, int rank, double since) {
    return control->heard_at[rank] < since ? FED_ANSWER_NONE : control->answers[rank];
}

static void append_rank(const fed_comm_t *comm, int rank, fed_text_t *names) {
    const char *host = comm->control.hosts[rank];
    fed_text_append(names, "%srank %d", names->length > 0 ? ", " : "", rank);
    if (strcmp(host, comm->host) != 0)
        fed_text_append(names, " (%s)", host);
}

bool fed_control_name_ranks(const fed_comm_t *comm, fed_answer_t answer, double since,
                            fed_text_t *names) {
    bool is_server = comm->rank == 0;
    int count = 0;
    for (int rank = is_server; rank < (is_server ? comm->size : 1); rank++)
        if (answer_since(&comm->control, rank, since) == answer && ++count <= MOST_NAMED)
            append_rank(comm, rank, names);
    if (count > MOST_NAMED)
        fed_text_append(names, " and %d more", count - MOST_NAMED);
    return count > 0;
}
