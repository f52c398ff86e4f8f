/* The clippings that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_FL_CLIPPINGS_CLIPPINGS_H
#define FEDMPI_FL_CLIPPINGS_CLIPPINGS_H

#include "fedmpi/fl/privacy.h"

#define FED_CLIPPINGS(each) each(fed_clipping_fixed), each(fed_clipping_adaptive)

extern const fed_clipping_t FED_CLIPPINGS(FED_PLUGIN_ITSELF);

#endif
