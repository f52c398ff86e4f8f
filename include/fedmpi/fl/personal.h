/** The clients' own view: the global model on each client's holdout samples, as it is
 * and after some local epochs.
 */
#ifndef FEDMPI_FL_PERSONAL_H
#define FEDMPI_FL_PERSONAL_H

#include "fedmpi/fl/evaluation.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/fl/training.h"

#include <stddef.h>
#include <stdint.h>

typedef struct fed_personal_options {
    int64_t personal_epochs;
} fed_personal_options_t;

FED_DECLARE_OPTIONS(fed_personal)

/** One client: on which samples, and what came out. */
typedef struct fed_personal {
    int64_t client;
    fed_score_t before, after; /**< fine-tuning; the same if there is none */
} fed_personal_t;

/** A client's samples, as positions in the training set; borrowed. */
typedef struct fed_personal_task {
    uint64_t seed;
    uint32_t round, client;
    double learning_rate;              /**< of this round */
    const uint32_t *samples, *holdout; /**< [sample_count], [holdout_count] */
    size_t sample_count, holdout_count;
} fed_personal_task_t;

/** Evaluate w on a client's holdout samples, train federated.personal_epochs epochs on
 * its others with plain SGD from w, and evaluate again. Local; the same on every rank.
 * @param training  memory to train in; holds nothing from one client to the next
 * @param w         [in] [parameters] */
fed_personal_t fed_personal_measure(const fed_personal_task_t *task, const fed_config_t *config,
                                    fed_training_t *training, fed_evaluator_t *evaluator,
                                    const float *w);

/** The distribution over clients; those without holdout samples do not count.
 * @param clients  [count], reordered */
fed_personal_row_t fed_personal_summarize(int64_t round, fed_personal_t *evaluated, size_t count);

#endif
