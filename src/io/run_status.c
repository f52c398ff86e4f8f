/* The words for how a run stands. */
#include "fedmpi/io/run_status.h"

#include <string.h>

const fed_fact_t fed_run_statuses[FED_RUN_STATUSES] = {
    [FED_RUN_RUNNING] = {"running", "it goes on, or was killed"},
    [FED_RUN_COMPLETE] = {"complete", "it has done all that its configuration asks for"},
    [FED_RUN_INTERRUPTED] = {"interrupted", "it ended before that; stopped_because says why"},
};

const fed_fact_t fed_becauses[FED_BECAUSES] = {
    [FED_BECAUSE_REQUEST] = {"request", "by a signal or a time limit: --resume goes on"},
    [FED_BECAUSE_DIVERGENCE] = {"divergence", "it would diverge again"},
    [FED_BECAUSE_FAILURE] = {"failure", "anything else; stopped_message says what"},
};

bool fed_run_status_read(const char *word, fed_run_status_t *status) {
    for (int s = 0; s < FED_RUN_STATUSES; s++)
        if (strcmp(fed_run_statuses[s].name, word) == 0) {
            *status = (fed_run_status_t)s;
            return true;
        }
    return false;
}
