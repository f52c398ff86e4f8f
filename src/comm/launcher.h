/* Did the launcher start one run, or as many as it was asked for ranks? */
#ifndef FEDMPI_COMM_LAUNCHER_PRIVATE_H
#define FEDMPI_COMM_LAUNCHER_PRIVATE_H

#include "fedmpi/comm/launcher.h"
#include "fedmpi/core/error.h"

/* FED_INPUT where the launcher has started several processes and MPI knows of this one only.
 * Local: such a process is alone. @param library  MPI's, for the message */
fed_status_t fed_launcher_check(const fed_launcher_t *launcher, int ranks, const char *library);

#endif
