/** Stopping on purpose: a signal, the clock or another rank raises a flag that every
 * loop which takes long looks at. */
#ifndef FEDMPI_CORE_STOP_H
#define FEDMPI_CORE_STOP_H

#include "fedmpi/core/error.h"

#include <stdbool.h>

/** Why: the number of a signal, or: */
enum {
    FED_STOP_NEVER = 0,
    FED_STOP_ON_REQUEST = 100,
    FED_STOP_BY_CLOCK = 101,
    FED_STOP_REASONS = 128 /**< all are below */
};

/** From now on SIGTERM, SIGINT and SIGUSR1 ask for a stop; a second SIGINT kills. */
void fed_stop_on_signals(void);

/** Ask for a stop, as a signal would. The first reason is kept. */
void fed_stop_ask(int reason);
void fed_stop_request(void);

/** Ask for a stop when fed_clock_seconds reaches this; 0: never. */
void fed_stop_at(double clock_seconds);

/** What to call now and then while somebody looks: it hears of stops elsewhere. */
void fed_stop_listen_with(void (*listen)(void));

/** Has somebody asked? A look at the clock: cheap enough for inner loops. */
bool fed_stop_requested(void);

/** The reason, or FED_STOP_NEVER. Does not listen. */
int fed_stop_reason(void);

/** FED_OK, or FED_STOPPED with the reason as the message. */
fed_status_t fed_stop_status(void);

#endif
