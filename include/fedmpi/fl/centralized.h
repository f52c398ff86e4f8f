/** The centralized baseline: the same network trained on pooled data.
 *
 * It advances in short pieces, a mini-batch or a block of evaluation, so that the
 * server can train it while it waits for clients. What it computes does not depend
 * on when the pieces run.
 */
#ifndef FEDMPI_FL_CENTRALIZED_H
#define FEDMPI_FL_CENTRALIZED_H

#include "fedmpi/fl/evaluation.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/fl/training.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum fed_centralized_data {
    FED_CENTRALIZED_CLIENTS,
    FED_CENTRALIZED_ALL
} fed_centralized_data_t;

/** [centralized] */
typedef struct fed_centralized_options {
    bool enabled;
    int64_t epochs;
    fed_centralized_data_t data;
} fed_centralized_options_t;

FED_DECLARE_OPTIONS(fed_centralized)

typedef struct fed_centralized {
    const fed_dataset_t *dataset; /**< borrowed */
    fed_training_t training;
    fed_evaluator_t evaluator;
    uint64_t seed;
    uint32_t *samples; /**< pooled: positions in the training set, [count] */
    size_t count;
    int64_t epochs;
    int64_t epoch;                /**< being trained or evaluated, from 1; epochs + 1: done */
    size_t evaluated_blocks;      /**< of test, then validation; 0 while the epoch trains */
    fed_score_t test, validation; /**< of this epoch so far */
    double train_seconds;         /**< of this epoch so far */
    fed_centralized_row_t *rows;  /**< [epochs]; the first epoch - 1 are complete */
} fed_centralized_t;

/** @param samples  positions in the training set, [count], copied
 *  @param w        initial parameters, [model->parameters], copied */
void fed_centralized_init(fed_centralized_t *centralized, const fed_config_t *config,
                          const fed_dataset_t *dataset, const fed_model_t *model,
                          const uint32_t *samples, size_t count, const float *w);
void fed_centralized_fini(fed_centralized_t *centralized);

/** Do the next piece. @return false, and nothing done, when all epochs are complete */
bool fed_centralized_advance(fed_centralized_t *centralized);

/** Go on where another process stopped: w and v are set, and so are the fields from
 * epoch to train_seconds but for the epoch's order. */
void fed_centralized_resume(fed_centralized_t *centralized, size_t position, double loss_sum,
                            int64_t correct);

#endif
