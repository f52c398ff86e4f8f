#include "watchdog.h"

#include "handle.h"

#include "fedmpi/core/clock.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/text.h"

#define EARLIEST_WARNING_SECONDS 10 /* whatever was expected */
#define UNKNOWN_WARNING_SECONDS 60  /* where nothing was */
#define MUCH_LONGER 4               /* times what was expected */
#define ANSWER_SECONDS 1

void fed_comm_expect(fed_comm_t *comm, const char *operation, int64_t round, double seconds) {
    fed_watchdog_t *watchdog = &comm->watchdog;
    watchdog->operation = operation;
    watchdog->round = round;
    watchdog->expected_seconds = seconds;
    watchdog->warn_after_seconds = seconds < 0 ? UNKNOWN_WARNING_SECONDS : MUCH_LONGER * seconds;
    if (watchdog->warn_after_seconds < EARLIEST_WARNING_SECONDS)
        watchdog->warn_after_seconds = EARLIEST_WARNING_SECONDS;
    watchdog->asked_at = 0;
}

void fed_watchdog_describe(const fed_watchdog_t *watchdog, double waited, fed_text_t *text) {
    fed_text_append(text, "waiting %.0f s, %s", waited, watchdog->operation);
    if (watchdog->round > 0)
        fed_text_append(text, ", round %lld", (long long)watchdog->round);
    if (watchdog->expected_seconds >= 0)
        fed_text_append(text, "; expected %.2g s", watchdog->expected_seconds);
}

static void warn(const fed_comm_t *comm, double waited) {
    double asked_at = comm->watchdog.asked_at;
    fed_text_t silent = {0}, working = {0}, text = {0};
    fed_watchdog_describe(&comm->watchdog, waited, &text);
    if (fed_control_name_ranks(comm, FED_ANSWER_NONE, asked_at, &silent))
        fed_text_append(&text, "; no answer from %s", silent.chars);
    if (fed_control_name_ranks(comm, FED_ANSWER_WORKING, asked_at, &working))
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
    if (watchdog->asked_at == 0) {
        watchdog->asked_at = fed_clock_seconds();
        fed_control_ask(comm);
    } else if (waited > watchdog->warn_after_seconds + ANSWER_SECONDS) {
        warn(comm, waited);
        watchdog->asked_at = 0;
        watchdog->warn_after_seconds = 2 * waited;
    }
}
