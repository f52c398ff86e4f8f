#include "wait.h"

#include "handle.h"

#include "fedmpi/core/clock.h"

#include <sys/prctl.h>

#define SPIN_SECONDS 200e-6         /* where every rank has a core: a collective among neighbours */
#define SHORTEST_NAP_SECONDS 20e-6  /* a few context switches */
#define LONGEST_NAP_SECONDS 50e-6   /* a stage of a collective: some have dozens */
#define LONGEST_IDLE_SECONDS 500e-6 /* while others train: a thousandth of a short round */
#define TIMER_SLACK_NANOSECONDS 5000UL

void fed_mpi_allow_short_naps(void) {
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NANOSECONDS, 0, 0, 0);
}

/* The longer it took so far the longer it may take: a nap adds an eighth at most. */
static double nap_after(double waited_seconds, double longest) {
    double nap = waited_seconds / 8;
    if (nap > longest)
        return longest;
    return nap > SHORTEST_NAP_SECONDS ? nap : SHORTEST_NAP_SECONDS;
}

static void wait_with_naps(const fed_comm_t *comm, MPI_Request *request, double longest_nap,
                           fed_idle_t idle, void *context) {
    double started = fed_clock_seconds();
    bool work_left = idle != NULL;
    for (int done = 0;;) {
        MPI_TRY(MPI_Test(request, &done, MPI_STATUS_IGNORE));
        if (done)
            return;
        work_left = work_left && idle(context);
        fed_comm_t *listening = fed_control_while_waiting(comm);
        double now = fed_clock_seconds(), waited = now - started;
        if (listening && listening->rank == 0)
            fed_watchdog_look(listening, waited);
        if (listening)
            fed_silence_look(listening, started, now);
        if (!work_left && (comm->crowded || waited > SPIN_SECONDS))
            fed_clock_sleep(nap_after(waited, longest_nap));
    }
}

void fed_mpi_wait(const fed_comm_t *comm, MPI_Request *request) {
    wait_with_naps(comm, request, LONGEST_NAP_SECONDS, NULL, NULL);
}

void fed_mpi_wait_idle(const fed_comm_t *comm, MPI_Request *request, fed_idle_t idle,
                       void *context) {
    wait_with_naps(comm, request, LONGEST_IDLE_SECONDS, idle, context);
}
