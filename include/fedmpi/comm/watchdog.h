/** Waits that take much longer than expected: the server warns, and a rank that nobody hears of
 * any more ends the run. */
#ifndef FEDMPI_COMM_WATCHDOG_H
#define FEDMPI_COMM_WATCHDOG_H

#include "fedmpi/comm/comm.h"

#include <stdint.h>

/** What the collectives from here on are for, and about how long they should make the server
 * wait (negative: unknown). When one takes much longer the server warns, naming the
 * operation, the round, and which ranks do not answer or are still at work. Local, and of
 * every rank: each has its own waits.
 * @param operation  static text; @param round  0: none */
void fed_comm_expect(fed_comm_t *comm, const char *operation, int64_t round, double seconds);

/** End the run, with the exit code of FED_STOPPED and a message that names ranks and nodes, where
 * one waits and a rank does not answer for so long: the server asks all others, the others ask
 * the server. Local.
 * @param seconds  0: 20 times what is expected, and never less than ten minutes */
void fed_comm_give_up_after(fed_comm_t *comm, double seconds);

#endif
