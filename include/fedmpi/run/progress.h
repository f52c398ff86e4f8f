/** Progress on stderr: a live line on a terminal, plain lines in a log. Server only. */
#ifndef FEDMPI_RUN_PROGRESS_H
#define FEDMPI_RUN_PROGRESS_H

#include "fedmpi/fl/centralized.h"
#include "fedmpi/fl/records.h"

#include <stdint.h>

typedef struct fed_progress {
    int64_t rounds;       /**< of the whole run */
    int64_t first_round;  /**< that this process does: after a resume not 1 */
    int64_t lines_every;  /**< rounds from one line in a log to the next */
    double started;       /**< on the clock of fed_clock_seconds */
    double last_live;     /**< when the live line was last drawn */
    fed_measure_t latest; /**< of the global model on the test set; NaN: not yet */
} fed_progress_t;

void fed_progress_init(fed_progress_t *progress, int64_t first_round, int64_t rounds);

/** A round is complete: a line, unless a log would have too many, and with --verbose where its
 * time went. */
void fed_progress_round(fed_progress_t *progress, const fed_round_row_t *row);

/** Time passes in a round: redraw the live line now and then. centralized may be NULL. */
void fed_progress_tick(fed_progress_t *progress, int64_t round,
                       const fed_centralized_t *centralized);

#endif
