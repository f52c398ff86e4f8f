/* What depends on which MPI it is, and on its launcher: the rest of the program knows the standard
 * alone. */
#ifndef FEDMPI_COMM_LAUNCHER_PRIVATE_H
#define FEDMPI_COMM_LAUNCHER_PRIVATE_H

#include "fedmpi/comm/launcher.h"
#include "fedmpi/core/error.h"

/* Set what an MPI is to do otherwise than by itself, where the user has not. Before MPI starts. */
void fed_launcher_tune(void);

/* FED_INPUT where the launcher has started several processes, and gives none of them what this MPI
 * needs to find the others. To be asked before MPI starts, which may end such a process in its own
 * words and with its own exit code. Local. */
fed_status_t fed_launcher_check_early(const fed_launcher_t *launcher);

/* FED_INPUT where the launcher has started several processes and MPI knows of this one only.
 * Local: such a process is alone. @param library  MPI's, for the message */
fed_status_t fed_launcher_check(const fed_launcher_t *launcher, int ranks, const char *library);

#endif
