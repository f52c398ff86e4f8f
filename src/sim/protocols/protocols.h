/* The protocols that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_SIM_PROTOCOLS_PROTOCOLS_H
#define FEDMPI_SIM_PROTOCOLS_PROTOCOLS_H

#include "fedmpi/sim/protocol.h"

#define FED_PROTOCOLS(each) each(fed_protocol_rounds)

extern const fed_protocol_t FED_PROTOCOLS(FED_PLUGIN_ITSELF);

#endif
