/* The watchdog's side that waits call. */
#ifndef FEDMPI_COMM_WATCHDOG_PRIVATE_H
#define FEDMPI_COMM_WATCHDOG_PRIVATE_H

#include "fedmpi/comm/watchdog.h"

typedef struct fed_watchdog {
    const char *operation; /* what the next waits are for */
    int64_t round;
    double expected_seconds; /* negative: unknown */
    double warn_after_seconds;
    bool asked; /* who is there; the answers are on their way */
} fed_watchdog_t;

/* To be called again and again while the server waits: warns when that is much longer than
 * expected. */
void fed_watchdog_look(fed_comm_t *comm, double waited_seconds);

#endif
