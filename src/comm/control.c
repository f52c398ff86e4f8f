/* Control messages: empty ones, whose tag says it all.
 *
 * A rank that is asked to stop tells all others; a server that waits for too long asks
 * who is still there. Everybody listens while it waits, and every few mini-batches.
 */
#include "internal.h"

#include "fedmpi/core/clock.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/stop.h"
#include "fedmpi/core/text.h"

#include <string.h>

enum { /* tags; below FED_STOP_REASONS: stop, for this reason */
       TAG_WHO_IS_THERE = FED_STOP_REASONS,
       TAG_WORKING,
       TAG_WAITING
};

#define EARLIEST_WARNING_SECONDS 10 /* whatever was expected */
#define UNKNOWN_WARNING_SECONDS 60  /* where nothing was */
#define MUCH_LONGER 4               /* times what was expected */
#define ANSWER_SECONDS 1
#define MOST_NAMED 8 /* ranks in a warning */

static fed_comm_t *listening; /* the one that the process has */

static void tell(const fed_comm_t *comm, int rank, int tag) {
    MPI_TRY(MPI_Send(NULL, 0, MPI_BYTE, rank, tag, comm->control));
}

static void tell_others(const fed_comm_t *comm, int tag) {
    for (int rank = 0; rank < comm->size; rank++)
        if (rank != comm->rank)
            tell(comm, rank, tag);
}

static void take(fed_comm_t *comm, int source, int tag) {
    MPI_TRY(MPI_Recv(NULL, 0, MPI_BYTE, source, tag, comm->control, MPI_STATUS_IGNORE));
    fed_control_t *control = &comm->state;
    if (tag < FED_STOP_REASONS) {
        control->stops_heard++;
        fed_stop_ask(tag);
    } else if (tag == TAG_WHO_IS_THERE) {
        control->questions_heard++;
        tell(comm, source, control->waits ? TAG_WAITING : TAG_WORKING);
    } else {
        control->answers_heard++;
        control->answers[source] = tag;
    }
}

static void listen_now(void) {
    fed_comm_t *comm = listening;
    for (int there = 1; there;) {
        MPI_Status status;
        MPI_TRY(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm->control, &there, &status));
        if (there)
            take(comm, status.MPI_SOURCE, status.MPI_TAG);
    }
    /* Who heard it from another rank need not tell: that one tells all. */
    if (fed_stop_reason() != FED_STOP_NEVER && !comm->state.told_stop &&
        comm->state.stops_heard == 0) {
        comm->state.told_stop = true;
        tell_others(comm, fed_stop_reason());
    }
}

void fed_control_begin(fed_comm_t *comm) {
    MPI_TRY(MPI_Comm_dup(comm->world, &comm->control));
    comm->state.answers = FED_NEW_ARRAY(int, (size_t)comm->size);
    fed_comm_expect(comm, "setting up", 0, -1);
    listening = comm;
    fed_stop_listen_with(listen_now);
}

/* What was sent is received, so that nothing is left when MPI ends. */
void fed_control_end(fed_comm_t *comm) {
    const fed_control_t *control = &comm->state;
    fed_stop_listen_with(NULL);
    int64_t sent[] = {control->told_stop, control->questions}, all[2];
    MPI_TRY(MPI_Allreduce(sent, all, 2, MPI_INT64_T, MPI_SUM, comm->world));
    int64_t stops = all[0] - control->told_stop, questions = all[1] - control->questions;
    comm->state.told_stop = true; /* who has not told by now keeps it */
    while (control->stops_heard < stops || control->questions_heard < questions ||
           control->answers_heard < control->questions * (comm->size - 1))
        listen_now();
    listening = NULL;
    fed_free(comm->state.answers);
    MPI_TRY(MPI_Comm_free(&comm->control));
}

/* --- The watchdog ----------------------------------------------------------------------- */

void fed_comm_expect(fed_comm_t *comm, const char *operation, int64_t round, double seconds) {
    fed_control_t *control = &comm->state;
    control->operation = operation;
    control->round = round;
    control->expected_seconds = seconds;
    control->warn_after_seconds = seconds < 0 ? UNKNOWN_WARNING_SECONDS : MUCH_LONGER * seconds;
    if (control->warn_after_seconds < EARLIEST_WARNING_SECONDS)
        control->warn_after_seconds = EARLIEST_WARNING_SECONDS;
    control->asked = false;
}

/* "rank 3, rank 7 and 2 more"; false if no rank answered so. */
static bool name_ranks(const fed_comm_t *comm, int answer, fed_text_t *names) {
    int count = 0;
    for (int rank = 1; rank < comm->size; rank++) {
        if (comm->state.answers[rank] != answer)
            continue;
        if (count++ < MOST_NAMED)
            fed_text_append(names, "%srank %d", count > 1 ? ", " : "", rank);
    }
    if (count > MOST_NAMED)
        fed_text_append(names, " and %d more", count - MOST_NAMED);
    return count > 0;
}

static void warn(const fed_comm_t *comm, double waited) {
    const fed_control_t *control = &comm->state;
    fed_text_t silent = {0}, working = {0}, text = {0};
    fed_text_append(&text, "waiting %.0f s, %s", waited, control->operation);
    if (control->round > 0)
        fed_text_append(&text, ", round %lld", (long long)control->round);
    if (control->expected_seconds >= 0)
        fed_text_append(&text, "; expected %.2g s", control->expected_seconds);
    if (name_ranks(comm, 0, &silent))
        fed_text_append(&text, "; no answer from %s", silent.chars);
    if (name_ranks(comm, TAG_WORKING, &working))
        fed_text_append(&text, "; still at work: %s", working.chars);
    fed_warn("%s", text.chars);
    fed_text_fini(&silent);
    fed_text_fini(&working);
    fed_text_fini(&text);
}

static void watch(fed_comm_t *comm, double waited) {
    fed_control_t *control = &comm->state;
    if (waited < control->warn_after_seconds)
        return;
    if (!control->asked) {
        control->asked = true;
        control->questions++;
        memset(control->answers, 0, (size_t)comm->size * sizeof *control->answers);
        tell_others(comm, TAG_WHO_IS_THERE);
    } else if (waited > control->warn_after_seconds + ANSWER_SECONDS) {
        warn(comm, waited);
        control->asked = false;
        control->warn_after_seconds = 2 * waited;
    }
}

void fed_control_while_waiting(const fed_comm_t *comm, double waited) {
    if (comm != listening) /* it is about to end, or just begins */
        return;
    listening->state.waits = true;
    fed_stop_requested();
    listening->state.waits = false;
    if (fed_comm_is_server(comm))
        watch(listening, waited);
}
