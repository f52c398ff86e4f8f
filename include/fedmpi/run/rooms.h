/** All keys of the program: what fed_config_init is given. */
#ifndef FEDMPI_RUN_ROOMS_H
#define FEDMPI_RUN_ROOMS_H

#include "fedmpi/config/key.h"

/** The groups of keys that rooms declare, in the order in which users see them, NULL behind the
 * last. Those of plug-ins are found through the tables that keys name. */
extern const fed_key_group_t *const fed_rooms[];

#endif
