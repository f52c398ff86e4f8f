/** What a run records of training: the rows of the results file's tables. */
#ifndef FEDMPI_FL_RECORDS_H
#define FEDMPI_FL_RECORDS_H

#include "fedmpi/config/columns.h"
#include "fedmpi/core/table.h"

/** Loss (nats, mean a sample) and accuracy (fraction). NaN: not measured. */
typedef struct fed_measure {
    double loss;
    double accuracy;
} fed_measure_t;

/** One round of federated training. */
typedef struct fed_round_row {
    int64_t round;        /**< from 1 */
    int64_t drawn;        /**< clients that were asked to take part */
    int64_t participants; /**< clients whose updates were averaged */
    int64_t diverged;     /**< clients that were left out of the average */
    int64_t samples;      /**< that they hold together */
    fed_measure_t train;  /**< of the participants' last local epoch, while it trained */
    fed_measure_t test;   /**< of the new global model */
    fed_measure_t validation;
    double update_norm; /**< L2 norm of the averaged update */
    double wall_seconds, train_seconds, bcast_seconds, gather_seconds, aggregate_seconds,
        evaluate_seconds, finish_spread_seconds;
    int64_t bytes_down, bytes_up;     /**< of parameters, one copy a client */
    fed_cell_t cells[FED_MOST_CELLS]; /**< of columns that variants add */

    double clip_norm, noise_deviation; /**< under differential privacy; the columns are
                                            fed_privacy_table's */
} fed_round_row_t;

/** One client's part in a round. What variants add stands behind it, in as many cells as the run
 * has such columns: there may be a million of these. */
typedef struct fed_client_row {
    int64_t round;
    int64_t client;
    int64_t rank;        /**< where it trained */
    int64_t samples;     /**< that it holds */
    int64_t steps;       /**< mini-batches */
    double weight;       /**< its share of the average */
    int64_t diverged;    /**< 1: left out of the average, for its numbers are none */
    int64_t byzantine;   /**< 1: it attacks */
    fed_measure_t train; /**< of its last local epoch, while it trained */
    double update_norm;  /**< L2 norm of its update */
    double train_seconds;
} fed_client_row_t;

/** The cells behind a row. */
static inline fed_cell_t *fed_client_cells(const fed_client_row_t *row) {
    return (fed_cell_t *)(row + 1);
}

/** One local epoch of a tracked client. */
typedef struct fed_local_epoch_row {
    int64_t round;
    int64_t client;
    int64_t epoch; /**< from 1 in each round */
    fed_measure_t train;
    fed_measure_t test; /**< of the client's own model after the epoch */
} fed_local_epoch_row_t;

/** One epoch of the centralized baseline. */
typedef struct fed_centralized_row {
    int64_t epoch; /**< from 1 */
    fed_measure_t train;
    fed_measure_t test;
    fed_measure_t validation;
    double train_seconds;
} fed_centralized_row_t;

/** How a measure is spread over clients. NaN: there are none. */
typedef struct fed_spread {
    double loss;      /**< mean over clients of their mean loss */
    double accuracy;  /**< mean over clients */
    double worst;     /**< mean accuracy of the worst tenth of the clients, rounded up */
    double deviation; /**< standard deviation of the clients' accuracies */
} fed_spread_t;

/** The global model on the clients' holdout samples after one round. */
typedef struct fed_personal_row {
    int64_t round;
    int64_t clients;            /**< that have holdout samples */
    int64_t samples;            /**< of the holdout */
    fed_spread_t before, after; /**< fine-tuning on the client's other samples */
} fed_personal_row_t;

/** What the rounds up to this one cost in privacy. */
typedef struct fed_privacy_row {
    int64_t round;
    double sampling, expected;         /**< q and q N */
    double noise_multiplier;           /**< z */
    double clip_norm, noise_deviation; /**< C; of each number of the averaged update */
    double epsilon_lower, epsilon, epsilon_upper, epsilon_rdp, delta;
} fed_privacy_row_t;

extern const fed_table_t fed_round_table, fed_client_table, fed_local_epoch_table,
    fed_personal_table, fed_centralized_table, fed_privacy_table;

#endif
