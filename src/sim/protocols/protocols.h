/* The protocols that are compiled in: a new one is a line here and in protocol.c. */
#ifndef FEDMPI_SIM_PROTOCOLS_PROTOCOLS_H
#define FEDMPI_SIM_PROTOCOLS_PROTOCOLS_H

#include "fedmpi/sim/protocol.h"

extern const fed_protocol_t fed_protocol_rounds;

#endif
