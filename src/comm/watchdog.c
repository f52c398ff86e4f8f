#include "watchdog.h"

#include "handle.h"

#include "fedmpi/core/log.h"
#include "fedmpi/core/text.h"

#define EARLIEST_WARNING_SECONDS 10 /* whatever was expected */
#define UNKNOWN_WARNING_SECONDS 60  /* where nothing was */
#define MUCH_LONGER 4               /* times what was expected */
#define ANSWER_SECONDS 1
#define MOST_NAMED 8 /* ranks in a warning */

void fed_comm_expect(fed_comm_t *comm, const char *operation, int64_t round, double seconds) {
    fed_watchdog_t *watchdog = &comm->watchdog;
    watchdog->operation = operation;
    watchdog->round = round;
    watchdog->expected_seconds = seconds;
    watchdog->warn_after_seconds = seconds < 0 ? UNKNOWN_WARNING_SECONDS : MUCH_LONGER * seconds;
    if (watchdog->warn_after_seconds < EARLIEST_WARNING_SECONDS)
        watchdog->warn_after_seconds = EARLIEST_WARNING_SECONDS;
    watchdog->asked = false;
}

/* "rank 3, rank 7 and 2 more"; false if no rank answered so. */
static bool name_ranks(const fed_comm_t *comm, fed_answer_t answer, fed_text_t *names) {
    int count = 0;
    for (int rank = 1; rank < comm->size; rank++) {
        if (comm->control.answers[rank] != answer)
            continue;
        if (count++ < MOST_NAMED)
            fed_text_append(names, "%srank %d", count > 1 ? ", " : "", rank);
    }
    if (count > MOST_NAMED)
        fed_text_append(names, " and %d more", count - MOST_NAMED);
    return count > 0;
}

static void warn(const fed_comm_t *comm, double waited) {
    const fed_watchdog_t *watchdog = &comm->watchdog;
    fed_text_t silent = {0}, working = {0}, text = {0};
    fed_text_append(&text, "waiting %.0f s, %s", waited, watchdog->operation);
    if (watchdog->round > 0)
        fed_text_append(&text, ", round %lld", (long long)watchdog->round);
    if (watchdog->expected_seconds >= 0)
        fed_text_append(&text, "; expected %.2g s", watchdog->expected_seconds);
    if (name_ranks(comm, FED_ANSWER_NONE, &silent))
        fed_text_append(&text, "; no answer from %s", silent.chars);
    if (name_ranks(comm, FED_ANSWER_WORKING, &working))
        fed_text_append(&text, "; still at work: %s", working.chars);
    fed_warn("%s", text.chars);
    fed_text_fini(&silent);
    fed_text_fini(&working);
    fed_text_fini(&text);
}

void fed_watchdog_look(fed_comm_t *comm, double waited) {
    fed_watchdog_t *watchdog = &comm->watchdog;
    if (waited < watchdog->warn_after_seconds)
        return;
    if (!watchdog->asked) {
        watchdog->asked = true;
        fed_control_ask(comm);
    } else if (waited > watchdog->warn_after_seconds + ANSWER_SECONDS) {
        warn(comm, waited);
        watchdog->asked = false;
        watchdog->warn_after_seconds = 2 * waited;
    }
}
