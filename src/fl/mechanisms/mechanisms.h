/* The privacy mechanisms that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_FL_MECHANISMS_MECHANISMS_H
#define FEDMPI_FL_MECHANISMS_MECHANISMS_H

#include "fedmpi/fl/privacy.h"

#define FED_MECHANISMS(each)                                                                       \
    each(fed_mechanism_none), each(fed_mechanism_gaussian), each(fed_mechanism_dp_sgd)

extern const fed_mechanism_plugin_t FED_MECHANISMS(FED_PLUGIN_ITSELF);

#endif
