/** The server's watchdog over waits that take much longer than expected. */
#ifndef FEDMPI_COMM_WATCHDOG_H
#define FEDMPI_COMM_WATCHDOG_H

#include "fedmpi/comm/comm.h"

#include <stdint.h>

/** What the collectives from here on are for, and about how long they should make the server
 * wait (negative: unknown). When one takes much longer the server warns, naming the
 * operation, the round, and which ranks do not answer or are still at work. Local.
 * @param operation  static text; @param round  0: none */
void fed_comm_expect(fed_comm_t *comm, const char *operation, int64_t round, double seconds);

#endif
