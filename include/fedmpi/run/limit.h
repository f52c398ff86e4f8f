/** How long a run may take, and its waits: it stops while there is time for a checkpoint. */
#ifndef FEDMPI_RUN_LIMIT_H
#define FEDMPI_RUN_LIMIT_H

#include "fedmpi/comm/comm.h"
#include "fedmpi/config/config.h"

typedef struct fed_limit_options {
    double time_limit;    /**< seconds; 0: none */
    double give_up_after; /**< seconds without a word of a rank; 0: by what is expected */
} fed_limit_options_t;

FED_DECLARE_OPTIONS(fed_limit)

typedef struct fed_limit {
    double ends;          /**< when all must be over, on fed_clock_seconds; 0: no limit */
    double round_seconds; /**< of the longest round so far; 0: none yet */
    double save_seconds;  /**< of the longest checkpoint so far */
} fed_limit_t;

/** Ranks wait for each other no longer than checkpoint.give_up_after says. Local. */
void fed_limit_silence(const fed_config_t *config, fed_comm_t *comm);

/** Server only, as are those below. From checkpoint.time_limit, counted from `started`, and from
 * SLURM_JOB_END_TIME. */
void fed_limit_init(fed_limit_t *limit, const fed_config_t *config, double started);

/** A round begins: asks for a stop if the limit does not leave time for it. */
void fed_limit_before_round(const fed_limit_t *limit);

/** A round is over and saved: what the next ones are expected to take. */
void fed_limit_after_round(fed_limit_t *limit, double round_seconds, double save_seconds);

#endif
