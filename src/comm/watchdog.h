/* The watchdog's side that waits call. */
#ifndef FEDMPI_COMM_WATCHDOG_PRIVATE_H
#define FEDMPI_COMM_WATCHDOG_PRIVATE_H

#include "fedmpi/comm/watchdog.h"
#include "fedmpi/core/text.h"

typedef struct fed_watchdog {
    const char *operation; /* what the next waits are for */
    int64_t round;
    double expected_seconds; /* negative: unknown */
    double warn_after_seconds;
    double asked_at; /* who is there, on fed_clock_seconds; the answers are on their way. 0: not */
} fed_watchdog_t;

/* "waiting 12 s, training, round 3; expected 2 s" */
void fed_watchdog_describe(const fed_watchdog_t *watchdog, double waited_seconds, fed_text_t *text);

/* To be called again and again while the server waits: warns when that is much longer than
 * expected. */
void fed_watchdog_look(fed_comm_t *comm, double waited_seconds);

#endif
