/* Signals, deadline, and the flag. */
#include "fedmpi/core/stop.h"

#include "fedmpi/core/clock.h"

#include <signal.h>
#include <stddef.h>

#define LISTEN_SECONDS 0.02

static volatile sig_atomic_t reason_asked, interrupts;
static void (*listener)(void);
static double deadline, last_listened;
static int reason_told; /* the listener has heard of this one */

static void take_signal(int number) {
    if (number == SIGINT && ++interrupts > 1) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    if (reason_asked == FED_STOP_NEVER)
        reason_asked = number;
}

/* Those that ask for a stop. Their names are ours: glibc has sigabbrev_np from 2.32 on only. */
static const struct {
    int number;
    const char *name;
} signals[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGUSR1, "SIGUSR1"}};
#define SIGNALS (sizeof signals / sizeof *signals)

static const char *name_of_signal(int number) {
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i].number == number)
            return signals[i].name;
    return "a signal";
}

void fed_stop_on_signals(void) {
    struct sigaction action = {.sa_handler = take_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i].number, &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file beyond `ulimit -f` is a write that fails, with a message */
}

void fed_stop_ask(int reason) {
    if (reason_asked == FED_STOP_NEVER)
        reason_asked = reason;
}

void fed_stop_request(void) {
    fed_stop_ask(FED_STOP_ON_REQUEST);
}

void fed_stop_at(double clock_seconds) {
    deadline = clock_seconds;
}

void fed_stop_listen_with(void (*listen)(void)) {
    listener = listen;
}

bool fed_stop_requested(void) {
    double now = fed_clock_seconds();
    if (deadline > 0 && now >= deadline)
        fed_stop_ask(FED_STOP_BY_CLOCK);
    if (listener && (reason_asked != reason_told || now - last_listened >= LISTEN_SECONDS)) {
        last_listened = now;
        reason_told = reason_asked;
        listener();
    }
    return reason_asked != FED_STOP_NEVER;
}

int fed_stop_reason(void) {
    return reason_asked;
}

fed_status_t fed_stop_status(void) {
    int reason = reason_asked;
    if (reason == FED_STOP_NEVER)
        return FED_OK;
    if (reason == FED_STOP_ON_REQUEST)
        return fed_fail(FED_STOPPED, "stopped on request");
    if (reason == FED_STOP_BY_CLOCK)
        return fed_fail(FED_STOPPED, "stopped: the time is up");
    return fed_fail(FED_STOPPED, "stopped by %s", name_of_signal(reason));
}
