/** Stopping on purpose: signals become a flag that the training loops look at. */
#ifndef FEDMPI_CORE_STOP_H
#define FEDMPI_CORE_STOP_H

#include "fedmpi/core/error.h"

#include <stdbool.h>

/** From now on SIGTERM, SIGINT and SIGUSR1 ask for a stop; a second SIGINT kills. */
void fed_stop_on_signals(void);

/** Ask for a stop, as a signal would. */
void fed_stop_request(void);

/** Has somebody asked? One load: cheap enough for every mini-batch. */
bool fed_stop_requested(void);

/** FED_OK, or FED_STOPPED with the signal's name as the message. */
fed_status_t fed_stop_status(void);

#endif
