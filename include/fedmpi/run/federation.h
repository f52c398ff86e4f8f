/** The federation: what each rank holds while a run trains. */
#ifndef FEDMPI_RUN_FEDERATION_H
#define FEDMPI_RUN_FEDERATION_H

#include "fedmpi/fl/centralized.h"
#include "fedmpi/io/bundle.h"
#include "fedmpi/io/sealed.h"
#include "fedmpi/run/limit.h"
#include "fedmpi/run/progress.h"
#include "fedmpi/run/record.h"
#include "fedmpi/run/run.h"
#include "fedmpi/run/spending.h"
#include "fedmpi/sim/protocol.h"

#include <stdbool.h>
#include <stdint.h>

/** What the summary at the end adds up over the rounds. */
typedef struct fed_totals {
    int64_t rounds;
    fed_measure_t train, test, validation; /**< of the last round, the last evaluation */
    double wall_seconds, train_seconds;
    int64_t bytes_down, bytes_up;
} fed_totals_t;

/** Files that hold the clients' states as they were after a round: one of each rank that had any.
 * Elsewhere than on the server it has no files. */
typedef struct fed_states_list {
    int64_t generation; /**< of checkpoints' states; 0: there are none yet */
    int64_t round;
    size_t files;
    uint32_t *ranks;                        /**< [files]: who wrote it */
    int64_t *records;                       /**< [files]: clients in it */
    unsigned char (*seals)[FED_HASH_BYTES]; /**< [files] */
} fed_states_list_t;

/** What only the server holds. */
typedef struct fed_server {
    fed_record_t record;
    fed_progress_t progress;
    fed_centralized_t centralized; /**< rows NULL: no baseline */
    fed_totals_t totals;
    fed_limit_t limit;
    fed_spending_t spending;
    fed_status_t rows_written; /**< what writing rows in the midst of a round came to */
    unsigned char fingerprint[FED_HASH_BYTES]; /**< of what the run starts from */
    fed_bundle_t loaded; /**< the checkpoint while it is being loaded, else empty */
    int64_t named[2];    /**< generations of the last checkpoint's states and of the one before */
} fed_server_t;

typedef struct fed_federation {
    fed_run_t *run;        /**< borrowed */
    fed_problem_t problem; /**< parts of the run */
    const fed_protocol_t *protocol;
    fed_engine_t *engine;
    void *state; /**< the protocol's */
    int64_t rounds_done;
    int64_t last_round; /**< that is done: federated.rounds, or what a budget of privacy allows */
    fed_states_list_t states; /**< those that were saved or loaded last */
    int64_t next_generation;  /**< of states, that is not on the disk yet */
    bool complete;            /**< the checkpoint that was loaded says that nothing is left to do */
    fed_server_t *server;     /**< NULL elsewhere */
} fed_federation_t;

/** Collective. Resumes from the checkpoint where the user asked for it and it is there. */
fed_status_t fed_federation_init(fed_federation_t *federation, fed_run_t *run);
void fed_federation_fini(fed_federation_t *federation);

/** All rounds that are still to do, each recorded and in the checkpoint. Collective.
 * After FED_STOPPED the federation stands after its last complete round.
 * @return what is not FED_OK is the same on all ranks, but for what the server could not write
 *         after the last round: the next agreement is the caller's */
fed_status_t fed_federation_train(fed_federation_t *federation);

/** What the server does in a waiting time: a piece of the baseline, a sign of life.
 * @return false when the baseline is complete */
bool fed_federation_works(fed_federation_t *federation);

/** The problem that a run sets. */
fed_problem_t fed_run_problem(const fed_run_t *run);

#endif
