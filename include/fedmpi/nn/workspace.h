/** Running a model: activations, one training step, inference. */
#ifndef FEDMPI_NN_WORKSPACE_H
#define FEDMPI_NN_WORKSPACE_H

#include "fedmpi/nn/model.h"

/** Activations and scratch of one model for batches of up to max_batch samples. */
typedef struct fed_workspace fed_workspace_t;
fed_workspace_t *fed_workspace_create(const fed_model_t *model, size_t max_batch);
void fed_workspace_destroy(fed_workspace_t *workspace);

/** Bytes that fed_workspace_create will take, for estimates. */
size_t fed_workspace_bytes(const fed_model_t *model, size_t max_batch);

/** Draw what the next fed_model_step of this batch needs at random, if the model has
 * dropout. Local; a pure function of its arguments.
 *
 * @param stream    seed, client, round and epoch; its purpose is not read
 * @param position  of the batch's first sample in the epoch's order
 * @param batch     samples of the step
 */
void fed_model_draw(const fed_model_t *model, fed_workspace_t *workspace,
                    const fed_stream_t *stream, size_t position, size_t batch);

/** One mini-batch: forward, mean softmax cross-entropy, backward into the sink. Local.
 *
 * The sink's vectors may be behind until fed_model_settle: call it before reading them, or
 * w where the sink changes it, and before another w. Each step needs a fed_model_draw
 * before it.
 *
 * @param sink     takes the gradient of the batch's mean loss; its vectors, [parameters] each,
 *                 are borrowed until fed_model_settle; stores it if the model is tied. One of
 *                 norms takes those of the samples' shares in that mean
 * @param x        [in]     [batch][inputs]
 * @param labels   [in]     [batch], 0 .. classes-1
 * @param w        [in]     [parameters]; the sink's own if that makes steps
 * @param loss_sum [in,out] the batch's losses in nats, before the step, are added
 * @param correct  [in,out] the number of right answers, before the step, is added
 */
void fed_model_step(const fed_model_t *model, fed_workspace_t *workspace, const fed_sink_t *sink,
                    size_t batch, const float *x, const int32_t *labels, const float *w,
                    double *loss_sum, int64_t *correct);

/** The same step, but each sample's gradient is scaled down to the L2 norm `bound` if it is longer,
 * before the mean: Abadi et al. 2016, "Deep Learning with Differential Privacy", Algorithm 1
 * without the noise. Single gradients are not stored: a first backward pass finds their norms, a
 * second one takes each sample by its factor (Li et al. 2022, "Large Language Models Can Be
 * Strong Differentially Private Learners", section 4). The model is not tied.
 */
void fed_model_clipped_step(const fed_model_t *model, fed_workspace_t *workspace,
                            const fed_sink_t *sink, double bound, size_t batch, const float *x,
                            const int32_t *labels, const float *w, double *loss_sum,
                            int64_t *correct);

/** Bring the vectors of the steps' sink up to date. Cheap when they are. */
void fed_model_settle(const fed_model_t *model, fed_workspace_t *workspace);

/** Logits of a batch: [batch][classes], in the workspace until its next use. */
const float *fed_model_infer(const fed_model_t *model, fed_workspace_t *workspace, size_t batch,
                             const float *x, const float *w);

#endif
