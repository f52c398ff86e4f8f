/** The main job: set up, run, conclude. */
#ifndef FEDMPI_RUN_JOB_H
#define FEDMPI_RUN_JOB_H

#include "fedmpi/comm/comm.h"
#include "fedmpi/run/options.h"

/** Everything that an INI file asks for, from its text to the results file and the
 * summary on stdout. Collective; the same status on every rank. */
fed_status_t fed_job_run(fed_comm_t *comm, const fed_options_t *options);

#endif
