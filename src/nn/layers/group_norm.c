/* Group normalisation.
 *
 * It looks at one sample alone and keeps no running statistics. Batch normalisation
 * does, and breaks in federated averaging: its running means and variances are of each
 * client's own distribution and their average describes nobody's, and the statistics of
 * a small or one-sided batch make training and evaluation two different functions
 * (Hsieh et al. 2020, "The non-IID data quagmire of decentralized machine learning").
 */
#include "fedmpi/math/group_norm.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/nn/layer.h"

typedef struct {
    double *memory;  /* of the kernels */
    float *gradient; /* of weights and biases, [2][channels] */
} scratch_t;

static fed_group_norm_t norm_of(const fed_layer_t *layer) {
    return (fed_group_norm_t){layer->image.height * layer->image.width, layer->image.channels,
                              layer->groups};
}

static void *create(const fed_layer_t *layer, size_t max_batch) {
    (void)max_batch;
    fed_group_norm_t norm = norm_of(layer);
    scratch_t *scratch = FED_NEW(scratch_t);
    scratch->memory = FED_NEW_ARRAY(double, fed_group_norm_memory(&norm));
    scratch->gradient = FED_NEW_ARRAY(float, 2 * norm.channels);
    return scratch;
}

static void destroy(void *memory) {
    scratch_t *scratch = memory;
    fed_free(scratch->memory);
    fed_free(scratch->gradient);
    fed_free(scratch);
}

static size_t bytes(const fed_layer_t *layer, size_t max_batch) {
    (void)max_batch;
    fed_group_norm_t norm = norm_of(layer);
    return sizeof(scratch_t) + fed_group_norm_memory(&norm) * sizeof(double) +
           2 * norm.channels * sizeof(float);
}

static void infer(const fed_layer_t *layer, void *memory, size_t batch, const float *x,
                  const float *w, float *y) {
    scratch_t *scratch = memory;
    fed_group_norm_t norm = norm_of(layer);
    fed_group_norm_forward(&norm, batch, x, w + layer->weight, w + layer->bias, y, scratch->memory);
}

static void forward(const fed_layer_t *layer, void *scratch, size_t batch, const float *x, float *w,
                    float *v, float *y) {
    (void)v;
    infer(layer, scratch, batch, x, w, y);
}

static void backward(const fed_layer_t *layer, void *memory, size_t batch, const float *x,
                     const float *dy, const fed_sgd_t *sgd, float *w, float *v, float *dx) {
    scratch_t *scratch = memory;
    fed_group_norm_t norm = norm_of(layer);
    float *dweight = scratch->gradient, *dbias = scratch->gradient + norm.channels;
    fed_group_norm_backward(&norm, batch, x, dy, w + layer->weight, layer->input_relu ? x : NULL,
                            dx, dweight, dbias, scratch->memory);
    fed_sgd_step(norm.channels, sgd, dweight, v + layer->weight, w + layer->weight);
    fed_sgd_step(norm.channels, sgd, dbias, v + layer->bias, w + layer->bias);
}

const fed_layer_kind_t fed_layer_group_norm = {
    .name = "group normalisation",
    .scratch_create = create,
    .scratch_destroy = destroy,
    .scratch_bytes = bytes,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
