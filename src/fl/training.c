/* Epochs of mini-batch SGD. */
#include "fedmpi/fl/training.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/math/norm.h"
#include "fedmpi/privacy/discrete_gaussian.h"

#include <math.h>
#include <string.h>

#define STEP_PART 2048 /* parameters: four such vectors stay in the first cache */

/* clang-format off */
static const fed_key_t keys[] = {
    FED_INTEGER(fed_training_options_t, epochs, 1, 16777215, "10", "E: local epochs of a client in a round"),
    FED_INTEGER(fed_training_options_t, batch_size, 1, 1048576, "32", "B: samples of a mini-batch; the last of an epoch may be smaller"),
    FED_REAL(fed_training_options_t, learning_rate, 0, 1000, "0.01", "step size of the clients and the baseline", .above_minimum = true),
    FED_REAL(fed_training_options_t, weight_decay, 0, 1000, "0", "this times the parameters is added to each gradient (L2), by adamw to the step; 0: none"),
    FED_REAL(fed_training_options_t, clip_norm, 0, 1e30, "0", "L2 norm to which a mini-batch's gradient is scaled down if it is longer; 0: never"),
    FED_REAL(fed_training_options_t, clip_sample_norm, 0, 1e30, "0", "L2 norm to which each sample's own gradient is scaled down before the mini-batch's mean; 0: never"),
    FED_INTEGER(fed_training_options_t, steps, 0, 16777215, "0", "mini-batches of a client in a round, in place of epochs; 0: epochs"),
};
/* clang-format on */

const fed_key_group_t fed_training_keys = FED_KEY_GROUP("training", fed_training_options_t, keys);

fed_status_t fed_training_check(const fed_config_t *config, const fed_model_t *model) {
    if (fed_config_uses(config, &fed_momentum_keys) && fed_momentum_options(config)->nesterov &&
        fed_momentum_options(config)->momentum == 0)
        return fed_config_fail(config, "training.nesterov", "needs training.momentum > 0");
    if (model->tied && fed_training_options(config)->clip_sample_norm > 0)
        return fed_config_fail(config, "training.clip_sample_norm",
                               "does not go with layers that share their parameters "
                               "(model.share_blocks), accepted with these is 0");
    return FED_OK;
}

bool fed_training_stores_gradient(const fed_model_t *model, const fed_config_t *config) {
    return fed_training_options(config)->clip_norm > 0 || fed_optimizer_of(config)->step ||
           model->tied;
}

void fed_training_init(fed_training_t *training, const fed_model_t *model,
                       const fed_samples_t *samples, const fed_config_t *config) {
    const fed_optimizer_t *optimizer = fed_optimizer_of(config);
    size_t batch_size = (size_t)fed_training_options(config)->batch_size;
    if (batch_size > samples->count)
        batch_size = samples->count;
    *training = (fed_training_t){
        .config = config,
        .optimizer = optimizer,
        .model = model,
        .samples = samples,
        .workspace = fed_workspace_create(model, batch_size),
        .sgd = {.learning_rate = (float)fed_training_options(config)->learning_rate,
                .momentum = (float)fed_momentum_options(config)->momentum,
                .weight_decay = (float)fed_training_options(config)->weight_decay,
                .nesterov = fed_momentum_options(config)->nesterov},
        .clip_norm = fed_training_options(config)->clip_norm,
        .clip_sample_norm = fed_training_options(config)->clip_sample_norm,
        .batch_size = batch_size,
        .w = FED_NEW_ARRAY(float, model->parameters),
        .v = FED_NEW_ARRAY(float, optimizer->vectors * model->parameters),
        .x = FED_NEW_ARRAY(float, batch_size * samples->features),
        .labels = FED_NEW_ARRAY(int32_t, batch_size),
    };
    if (fed_training_stores_gradient(model, config))
        fed_training_separate_gradient(training);
}

void fed_training_start(fed_training_t *training, const float *w) {
    size_t n = training->model->parameters;
    memcpy(training->w, w, n * sizeof *w);
    memset(training->v, 0, training->optimizer->vectors * n * sizeof *training->v);
    if (training->g)
        memset(training->g, 0, n * sizeof *training->g);
    training->steps = 0;
}

void fed_training_fini(fed_training_t *training) {
    fed_workspace_destroy(training->workspace);
    fed_free(training->w);
    fed_free(training->v);
    fed_free(training->g);
    fed_free(training->x);
    fed_free(training->labels);
    fed_free(training->order);
    fed_free(training->drawn);
    *training = (fed_training_t){0};
}

void fed_training_separate_gradient(fed_training_t *training) {
    if (!training->g)
        training->g = FED_NEW_ARRAY(float, training->model->parameters);
}

size_t fed_training_bytes(const fed_model_t *model, const fed_config_t *config) {
    size_t batch_size = (size_t)fed_training_options(config)->batch_size;
    size_t vectors =
        1 + fed_optimizer_of(config)->vectors + fed_training_stores_gradient(model, config);
    return vectors * model->parameters * sizeof(float) +
           batch_size * model->inputs * sizeof(float) + fed_workspace_bytes(model, batch_size);
}

void fed_training_begin_ordered(fed_training_t *training, const uint32_t *samples, size_t count,
                                fed_stream_t stream) {
    if (count > training->capacity) {
        training->order = fed_grow(training->order, 0, count, sizeof *training->order);
        training->capacity = count;
    }
    if (count > 0) /* else there may be no order yet */
        memcpy(training->order, samples, count * sizeof *samples);
    training->stream = stream;
    training->count = count;
    training->position = 0;
    training->epoch_steps = 0;
    training->loss_sum = 0;
    training->correct = 0;
}

void fed_training_begin_epoch(fed_training_t *training, const uint32_t *samples, size_t count,
                              fed_stream_t stream) {
    fed_training_begin_ordered(training, samples, count, stream);
    stream.purpose = FED_RANDOM_BATCH_ORDER;
    fed_random_permute(&stream, training->order, count);
}

/* Make these samples the batch. */
static void gather(fed_training_t *training, const uint32_t *samples, size_t batch) {
    fed_samples_gather(training->samples, samples, batch, training->x, training->labels);
    for (size_t b = 0; training->relabel && b < batch; b++)
        training->labels[b] = training->relabel(training->labels[b], training->model->classes);
    fed_model_draw(training->model, training->workspace, &training->stream, training->position,
                   batch);
    training->position += batch;
}

/* Gather the next mini-batch; 0 when the epoch is over. */
static size_t next_batch(fed_training_t *training) {
    size_t left = training->count - training->position;
    size_t batch = left < training->batch_size ? left : training->batch_size;
    gather(training, training->order + training->position, batch);
    return batch;
}

static void take_batch(fed_training_t *training, size_t batch, const float *w,
                       const fed_sink_t *sink) {
    double bound = training->clip_sample_norm;
    if (bound > 0)
        fed_model_clipped_step(training->model, training->workspace, sink, bound, batch,
                               training->x, training->labels, w, &training->loss_sum,
                               &training->correct);
    else
        fed_model_step(training->model, training->workspace, sink, batch, training->x,
                       training->labels, w, &training->loss_sum, &training->correct);
}

/* g = keep * g + the gradient of the batch in x; g may be behind until settled. */
static void add_gradient(fed_training_t *training, size_t batch, float keep, const float *w) {
    fed_sink_t sink = fed_sink_store(keep, training->g);
    take_batch(training, batch, w, &sink);
}

static void scale(size_t n, float factor, float *g) {
    for (size_t j = 0; j < n; j++)
        g[j] *= factor;
}

/* g = the sum of these samples' gradients at w, over a divisor: a sum of the batches' means, each
 * times its size over the latest batch's. */
static void sum_gradients(fed_training_t *training, const float *w, const uint32_t *samples,
                          size_t count, double divisor) {
    size_t n = training->model->parameters, batch, latest = training->batch_size;
    memset(training->g, 0, n * sizeof *training->g);
    for (size_t done = 0; done < count; done += batch, latest = batch) {
        batch = count - done < training->batch_size ? count - done : training->batch_size;
        gather(training, samples + done, batch);
        if (batch != latest) {
            fed_training_settle(training);
            scale(n, (float)latest / (float)batch, training->g);
        }
        add_gradient(training, batch, 1, w);
    }
    fed_training_settle(training);
    if (count > 0)
        scale(n, (float)((double)latest / divisor), training->g);
}

void fed_training_gradient(fed_training_t *training, const float *w, const uint32_t *samples,
                           size_t count, fed_stream_t stream) {
    fed_training_begin_ordered(training, samples, count, stream);
    sum_gradients(training, w, training->order, count, (double)count);
}

/* Parameters first .. first+count-1, by the gradient there. */
static void step_part(fed_training_t *training, size_t first, size_t count, const float *g) {
    const fed_optimizer_step_t step = {
        .config = training->config,
        .number = training->steps,
        .learning_rate = training->sgd.learning_rate,
        .weight_decay = training->sgd.weight_decay,
        .count = count,
        .g = g,
        .memory = training->v + first,
        .stride = training->model->parameters,
        .w = training->w + first,
    };
    if (training->optimizer->step)
        training->optimizer->step(&step);
    else
        fed_sgd_step(count, &training->sgd, g, training->v + first, training->w + first);
}

void fed_training_step_on_gradient(fed_training_t *training) {
    size_t n = training->model->parameters;
    const fed_correction_t *correction = &training->correction;
    if (training->clip_norm > 0) {
        double length = fed_norm(n, training->g);
        if (length > training->clip_norm)
            scale(n, (float)(training->clip_norm / length), training->g);
    }
    training->steps++;
    /* Part by part while it is in the cache. */
    for (size_t first = 0; first < n; first += STEP_PART) {
        size_t count = n - first < STEP_PART ? n - first : STEP_PART;
        float *g = training->g + first;
        if (correction->apply)
            correction->apply(correction->context, first, count, g);
        step_part(training, first, count, g);
    }
}

/* --- Steps that keep samples private ------------------------------------------------------ */

/* Samples that a step expects, of all: B, or all where there are fewer. */
static size_t expected_samples(const fed_training_t *training) {
    return training->count < training->batch_size ? training->count : training->batch_size;
}

/* Steps of different rounds and epochs have nothing in common. */
static uint64_t seed_of_step(const fed_training_t *training, size_t steps) {
    fed_stream_t stream = training->stream;
    stream.purpose = FED_RANDOM_PRIVATE_STEP;
    stream.which = (uint32_t)((stream.which - 1) * steps + training->epoch_steps);
    return fed_random_bits(&stream, 0);
}

/* Each sample on its own. @return how many */
static size_t draw_samples(fed_training_t *training, uint64_t seed) {
    const fed_stream_t stream = {.seed = seed, .purpose = FED_RANDOM_PRIVATE_STEP};
    double probability = (double)expected_samples(training) / (double)training->count;
    size_t drawn = 0;
    for (size_t i = 0; i < training->count; i++)
        if (fed_random_uniform(&stream, (uint32_t)i) < probability)
            training->drawn[drawn++] = training->order[i];
    return drawn;
}

/* Discrete Gaussian noise in units of 2^-40. */
static void add_noise(fed_training_t *training, uint64_t seed, double sigma) {
    const fed_stream_t stream = {.seed = seed, .purpose = FED_RANDOM_PRIVACY};
    if (sigma == 0)
        return;
    fed_discrete_gaussian_t gaussian = fed_discrete_gaussian(sigma * FED_FIXED_ONE);
    for (size_t j = 0; j < training->model->parameters; j++) {
        double drawn = (double)fed_discrete_gaussian_draw(&gaussian, &stream, (uint32_t)j);
        training->g[j] = (float)((double)training->g[j] + drawn / FED_FIXED_ONE);
    }
}

/* Abadi et al. 2016, Algorithm 1, with the samples that are expected as the divisor. */
static bool private_step(fed_training_t *training) {
    size_t steps = (training->count + training->batch_size - 1) / training->batch_size;
    if (training->epoch_steps == steps)
        return false;
    if (!training->drawn)
        training->drawn = FED_NEW_ARRAY(uint32_t, training->samples->count);
    uint64_t seed = seed_of_step(training, steps);
    double expected = (double)expected_samples(training);
    sum_gradients(training, training->w, training->drawn, draw_samples(training, seed), expected);
    add_noise(training, seed, training->sample_noise * training->clip_sample_norm / expected);
    training->epoch_steps++;
    fed_training_step_on_gradient(training);
    return true;
}

bool fed_training_step(fed_training_t *training) {
    if (training->draws_samples)
        return private_step(training);
    size_t batch = next_batch(training);
    if (batch == 0)
        return false;
    if (training->g) {
        add_gradient(training, batch, 0, training->w);
        fed_training_settle(training);
        fed_training_step_on_gradient(training);
    } else {
        fed_sink_t sink = fed_sink_sgd(&training->sgd, training->w, training->v);
        take_batch(training, batch, training->w, &sink);
    }
    return true;
}

void fed_training_settle(fed_training_t *training) {
    fed_model_settle(training->model, training->workspace);
}

fed_measure_t fed_training_measure(const fed_training_t *training) {
    double samples = (double)training->position;
    if (training->position == 0)
        return (fed_measure_t){NAN, NAN};
    return (fed_measure_t){training->loss_sum / samples, (double)training->correct / samples};
}
