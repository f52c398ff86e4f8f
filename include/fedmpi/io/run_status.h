/** How a run stands, as its results file says it: two attributes of the root. */
#ifndef FEDMPI_IO_RUN_STATUS_H
#define FEDMPI_IO_RUN_STATUS_H

#include "fedmpi/core/text.h"

#include <stdbool.h>

/** The attribute `status`. */
typedef enum fed_run_status {
    FED_RUN_RUNNING,
    FED_RUN_COMPLETE,
    FED_RUN_INTERRUPTED,
    FED_RUN_STATUSES
} fed_run_status_t;

/** The attribute `stopped_because`, which an interrupted run has. */
typedef enum fed_because {
    FED_BECAUSE_REQUEST,
    FED_BECAUSE_DIVERGENCE,
    FED_BECAUSE_FAILURE,
    FED_BECAUSES
} fed_because_t;

/** Their words in the file and what these mean, by the numbers above. */
extern const fed_fact_t fed_run_statuses[FED_RUN_STATUSES];
extern const fed_fact_t fed_becauses[FED_BECAUSES];

/** @return false if it is no word of fed_run_statuses */
bool fed_run_status_read(const char *word, fed_run_status_t *status);

#endif
