/** The federation: what each rank holds for the rounds. */
#ifndef FEDMPI_SIM_FEDERATION_H
#define FEDMPI_SIM_FEDERATION_H

#include "fedmpi/comm/shared.h"
#include "fedmpi/fl/centralized.h"
#include "fedmpi/fl/client.h"
#include "fedmpi/fl/selection.h"
#include "fedmpi/run/limit.h"
#include "fedmpi/run/progress.h"
#include "fedmpi/run/record.h"
#include "fedmpi/run/run.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What the summary at the end adds up over the rounds. */
typedef struct fed_totals {
    int64_t rounds;
    fed_measure_t train, test, validation; /**< of the last round, the last evaluation */
    double wall_seconds, train_seconds;
    int64_t bytes_down, bytes_up;
} fed_totals_t;

/** What only the server holds. */
typedef struct fed_server {
    fed_record_t record;
    fed_progress_t progress;
    fed_centralized_t centralized; /**< rows NULL: no baseline */
    fed_totals_t totals;
    fed_limit_t limit;
    fed_round_row_t last; /**< the last round's row: what the next is expected to take */
    double load;          /**< largest cost of a rank in that round; 0: none yet */
    double *up;           /**< the averages of what clients sent: slots of FED_OWNER_UP */
    double *own;          /**< vectors of algorithm and optimizer: slots of FED_OWNER_SERVER */
    fed_status_t status;  /**< of recording; the next agreement tells the others */
    fed_bundle_t loaded;  /**< the checkpoint while it is spread, else empty */
} fed_server_t;

/** What a rank holds for the rounds. */
typedef struct fed_federation {
    fed_run_t *run; /**< borrowed */
    int64_t rounds_done;
    bool complete; /**< the checkpoint that was loaded says that nothing is left to do */
    float *w;      /**< global parameters and what travels with them: FED_OWNER_DOWN */
    int64_t *sums; /**< fixed-point sums of this rank's weighted vectors: FED_OWNER_UP */
    fed_training_t training;
    fed_evaluator_t evaluator;
    fed_byzantine_t byzantine;
    float *rows; /**< this rank's clients' vectors, where the aggregation rule looks
                      at single ones: [rows_capacity] blocks of FED_OWNER_UP; or NULL */
    size_t rows_capacity;
    fed_states_t states; /**< what clients keep; length 0: nothing */
    fed_selection_t selection;
    uint32_t *home;       /**< [clients]: the rank where each client trains, if it must stay */
    uint32_t *rank_of;    /**< [participants]: where each is to train this round */
    uint32_t *queue;      /**< [queued]: participants that this rank trains in this order, or
                               this node's workers in turns */
    size_t queued;        /**< 0 where nobody trains */
    fed_shared_t *turns;  /**< of this node; NULL: clients must train where they are placed */
    fed_shared_t *blocks; /**< of evaluations, taken by this node's ranks in turns */
    uint32_t evaluations; /**< so far, on all ranks together */
    size_t *client_rows;  /**< [ranks]: participants that each has trained this round */
    size_t *epoch_rows;   /**< [ranks]: rows that each has of tracked clients; after client_rows */
    fed_client_row_t *clients;           /**< this rank's; on the server everybody's */
    fed_local_epoch_row_t *local_epochs; /**< this rank's; on the server everybody's */
    fed_server_t *server;                /**< NULL elsewhere */
} fed_federation_t;

/** Collective. Resumes from the checkpoint where the user asked for it and it is there. */
fed_status_t fed_federation_init(fed_federation_t *federation, fed_run_t *run);
void fed_federation_fini(fed_federation_t *federation);

/** Draw the round's participants, the same on every rank, and place them: selection.chosen,
 * rank_of, queue. Local. */
void fed_federation_select(fed_federation_t *federation, int64_t round);

/** What this rank trains next: the place i in selection.chosen. Costly clients come first, and
 * workers of a node that finish early take more, so that all end within a client's time.
 * @param taken  how many this rank took in this round before
 * @return false when all are taken */
bool fed_federation_next(const fed_federation_t *federation, int64_t round, size_t taken,
                         size_t *i);

/** The largest cost that a rank has to train in this round, after fed_federation_select. */
size_t fed_federation_load(const fed_federation_t *federation);

/** Where every client trains if all take part: rank[clients]. Local. */
void fed_federation_place_all(const fed_run_t *run, uint32_t *rank);

/** Is this client one of federated.tracked_clients? */
bool fed_is_tracked(const fed_config_t *config, uint32_t client);

#endif
