/* The initializations that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_NN_INITIALIZATIONS_INITIALIZATIONS_H
#define FEDMPI_NN_INITIALIZATIONS_INITIALIZATIONS_H

#include "fedmpi/nn/initialization.h"

#define FED_INITIALIZATIONS(each) each(fed_initialization_pytorch), each(fed_initialization_kaiming)

extern const fed_initialization_t FED_INITIALIZATIONS(FED_PLUGIN_ITSELF);

#endif
