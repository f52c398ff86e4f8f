/** Training: mini-batches over a list of samples, one step at a time.
 *
 * The clients' local training and the centralized baseline are the same loop; the
 * baseline can be left after any step and taken up again.
 */
#ifndef FEDMPI_FL_TRAINING_H
#define FEDMPI_FL_TRAINING_H

#include "fedmpi/config/config.h"
#include "fedmpi/core/random.h"
#include "fedmpi/data/dataset.h"
#include "fedmpi/fl/optimizer.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/nn/workspace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** [training]: what clients and baseline share. */
typedef struct fed_training_options {
    int64_t epochs, batch_size;
    double learning_rate, weight_decay;
    double clip_norm, clip_sample_norm;
    int64_t steps;
} fed_training_options_t;

FED_DECLARE_OPTIONS(fed_training)

/** A change of each batch's gradient before the step; see fed_algorithm_t.correct. */
typedef struct fed_correction {
    void (*apply)(const void *context, size_t first, size_t count, float *g); /**< or NULL */
    const void *context;
} fed_correction_t;

/** The memory of one model in training. One client after another uses it. */
typedef struct fed_training {
    const fed_config_t *config;       /**< borrowed */
    const fed_optimizer_t *optimizer; /**< that the configuration names */
    const fed_model_t *model;         /**< borrowed */
    const fed_samples_t *samples;     /**< borrowed */
    fed_workspace_t *workspace;
    fed_sgd_t sgd;           /**< learning rate and weight decay are any optimizer's */
    double clip_norm;        /**< of the gradient; 0: as it is */
    double clip_sample_norm; /**< of each sample's before that; 0: as they are */
    size_t batch_size;
    float *w;        /**< parameters in training, [model->parameters] */
    float *v;        /**< what the optimizer remembers, [optimizer->vectors][model->parameters] */
    float *g;        /**< gradient, [model->parameters]; NULL: part of the step */
    float *x;        /**< the batch, [batch_size][features] */
    int32_t *labels; /**< [batch_size] */
    uint32_t *order; /**< the epoch's order of samples, [count] */
    size_t capacity; /**< of order */
    int32_t (*relabel)(int32_t label,
                       size_t classes); /**< trained on in its place; NULL: as it is */
    bool draws_samples;  /**< each step draws its samples on their own, and gets noise: DP-SGD */
    double sample_noise; /**< z: deviation on the sum of their gradients, in clip_sample_norm */
    uint32_t *drawn;     /**< those of a step, [capacity]; NULL: no step has drawn any */
    fed_correction_t correction; /**< takes effect where g is a vector of its own */

    fed_stream_t stream; /**< of this epoch: seed, client, round and epoch */
    size_t count;        /**< samples of this epoch */
    size_t position;     /**< samples already used */
    double loss_sum;     /**< of this epoch so far, nats */
    int64_t correct;     /**< of this epoch so far */
    int64_t steps;       /**< with g, since v was zero */
    size_t epoch_steps;  /**< of this epoch so far, where steps draw their samples */
} fed_training_t;

/** Do the keys of [training] go together, and with the model? */
fed_status_t fed_training_check(const fed_config_t *config, const fed_model_t *model);

/** Is the gradient a vector of its own for the optimizer's, clipping's or the model's sake? */
bool fed_training_stores_gradient(const fed_model_t *model, const fed_config_t *config);

void fed_training_init(fed_training_t *training, const fed_model_t *model,
                       const fed_samples_t *samples, const fed_config_t *config);
void fed_training_fini(fed_training_t *training);

/** Begin afresh at w, [model->parameters]: the optimizer remembers nothing. */
void fed_training_start(fed_training_t *training, const float *w);

/** Give the gradient a vector of its own, so that it can be changed before the step:
 * the steps are slower, and their results the same. */
void fed_training_separate_gradient(fed_training_t *training);

/** Bytes that fed_training_init takes, for estimates. */
size_t fed_training_bytes(const fed_model_t *model, const fed_config_t *config);

/** Shuffle the samples and start an epoch.
 * @param samples  positions in the training set, [count], copied
 * @param stream   seed, client, round and epoch: the order, and what the steps draw, depend
 *                 on nothing else */
void fed_training_begin_epoch(fed_training_t *training, const uint32_t *samples, size_t count,
                              fed_stream_t stream);

/** The same in this order of samples. */
void fed_training_begin_ordered(fed_training_t *training, const uint32_t *samples, size_t count,
                                fed_stream_t stream);

/** Train on the next mini-batch; the last of an epoch may be smaller. Where steps draw their
 * samples (training->draws_samples), each sample is in a step with probability B / count, which may
 * come to any number, also none; an epoch has as many steps as it has batches elsewhere.
 * @return false, and nothing done, when the epoch is over */
bool fed_training_step(fed_training_t *training);

/** The gradient of the mean loss of all these samples at w, into training->g, which is
 * there (fed_training_separate_gradient). Counts as an epoch's measure.
 * @param w  [model->parameters]; may be training->w, settled */
void fed_training_gradient(fed_training_t *training, const float *w, const uint32_t *samples,
                           size_t count, fed_stream_t stream);

/** A step with the gradient in training->g: clipped, corrected, then the optimizer. */
void fed_training_step_on_gradient(fed_training_t *training);

/** Bring w and v up to date: call before reading them. */
void fed_training_settle(fed_training_t *training);

/** Mean loss and accuracy of the epoch so far, measured before each step. */
fed_measure_t fed_training_measure(const fed_training_t *training);

#endif
