/* Signals. */
#include "fedmpi/core/stop.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

#define BY_REQUEST (-1)

/* 0, the signal that asked, or BY_REQUEST. */
static volatile sig_atomic_t asked_by;

static void take_signal(int number) {
    if (number == SIGINT && asked_by == SIGINT) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    asked_by = number;
}

void fed_stop_on_signals(void) {
    struct sigaction action = {.sa_handler = take_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
}

void fed_stop_request(void) {
    asked_by = BY_REQUEST;
}

bool fed_stop_requested(void) {
    return asked_by != 0;
}

fed_status_t fed_stop_status(void) {
    int number = asked_by;
    if (number == 0)
        return FED_OK;
    return number == BY_REQUEST ? fed_fail(FED_STOPPED, "stopped on request")
                                : fed_fail(FED_STOPPED, "stopped by SIG%s", sigabbrev_np(number));
}
