/** Evaluation of a model on samples, in blocks that any ranks may share.
 *
 * A block's loss is rounded once to a fixed-point integer, so sums over blocks are
 * exact: the score does not depend on who evaluated which block.
 */
#ifndef FEDMPI_FL_EVALUATION_H
#define FEDMPI_FL_EVALUATION_H

#include "fedmpi/data/dataset.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/nn/workspace.h"

#include <stddef.h>
#include <stdint.h>

/** Exact sums; scores add up field by field, modulo 2^64. */
typedef struct fed_score {
    int64_t loss; /**< nats, times 2^24 */
    int64_t correct;
    int64_t samples;
} fed_score_t;

/** Memory for evaluating one model. */
typedef struct fed_evaluator {
    const fed_model_t *model; /**< borrowed */
    fed_workspace_t *workspace;
    float *x;        /**< [FED_EVALUATION_BLOCK][features] */
    int32_t *labels; /**< [FED_EVALUATION_BLOCK] */
} fed_evaluator_t;

/** Samples evaluated together: as many as share a panel of weights in the kernels, and few
 * enough to share out evenly. */
#define FED_EVALUATION_BLOCK 64

void fed_evaluator_init(fed_evaluator_t *evaluator, const fed_model_t *model);
void fed_evaluator_fini(fed_evaluator_t *evaluator);

/** Blocks that these samples make. */
size_t fed_evaluation_blocks(const fed_samples_t *samples);

/** Evaluate a block and add to the score. Local.
 * @param w          [in]     [model->parameters]
 * @param block      below fed_evaluation_blocks(samples)
 * @param score      [in,out] added to
 * @param confusion  [in,out] [classes][classes]: counts of (class, predicted), or NULL */
void fed_evaluate(fed_evaluator_t *evaluator, const fed_samples_t *samples, const float *w,
                  size_t block, fed_score_t *score, int64_t *confusion);

/** Evaluate these samples and add to the score. Local.
 * @param index  positions, [count] */
void fed_evaluate_chosen(fed_evaluator_t *evaluator, const fed_samples_t *samples,
                         const uint32_t *index, size_t count, const float *w, fed_score_t *score);

/** Mean loss and accuracy; NaN for no samples. */
fed_measure_t fed_score_measure(const fed_score_t *score);

/** Fixed-point form of a sum of losses; not finite or too large becomes the largest. */
int64_t fed_score_fixed_loss(double loss_sum);

#endif
