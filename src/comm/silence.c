#include "silence.h"

#include "handle.h"

#include "fedmpi/core/text.h"

#define QUESTIONS 4            /* until a rank counts as gone */
#define MUCH_LONGER 20         /* times what was expected */
#define SHORTEST_SECONDS 600   /* whatever was expected */
#define UNKNOWN_SECONDS 3600.0 /* where nothing was */

void fed_comm_give_up_after(fed_comm_t *comm, double seconds) {
    comm->silence.give_up_after = seconds;
}

static double longest_silence(const fed_comm_t *comm) {
    double expected = comm->watchdog.expected_seconds;
    if (comm->silence.give_up_after > 0)
        return comm->silence.give_up_after;
    if (expected < 0)
        return UNKNOWN_SECONDS;
    return MUCH_LONGER * expected > SHORTEST_SECONDS ? MUCH_LONGER * expected : SHORTEST_SECONDS;
}

static _Noreturn void give_up(const fed_comm_t *comm, const char *silent, double waited) {
    fed_text_t text = {0};
    fed_watchdog_describe(&comm->watchdog, waited, &text);
    fed_give_up(FED_STOPPED,
                "%s; no answer from %s in all that time: given up; --resume goes on from the last "
                "checkpoint",
                text.chars, silent);
}

/* Only where answers had their time to be heard: this rank itself may have been stopped. */
static void give_up_on_silent(const fed_comm_t *comm, double began, double now, double longest) {
    double since = now - longest;
    fed_text_t silent = {0};
    if (comm->silence.questions < QUESTIONS - 1 || began > since)
        return;
    if (fed_control_name_ranks(comm, FED_ANSWER_NONE, since, &silent))
        give_up(comm, silent.chars, now - began);
    fed_text_fini(&silent);
}

void fed_silence_look(fed_comm_t *comm, double began, double now) {
    fed_silence_t *silence = &comm->silence;
    double longest = longest_silence(comm);
    if (silence->asked_at < began) {
        silence->asked_at = began;
        silence->questions = 0;
    }
    if (now - silence->asked_at < longest / QUESTIONS)
        return;
    give_up_on_silent(comm, began, now, longest);
    silence->asked_at = now;
    silence->questions++;
    fed_control_ask(comm);
}
