/* Group normalisation.
 *
 * It looks at one sample alone and keeps no running statistics. Batch normalisation
 * does, and breaks in federated averaging: its running means and variances are of each
 * client's own distribution and their average describes nobody's, and the statistics of
 * a small or one-sided batch make training and evaluation two different functions
 * (Hsieh et al. 2020, "The non-IID data quagmire of decentralized machine learning").
 */
#include "fedmpi/nn/layer.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/math/group_norm.h"

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
    for (size_t j = 0; layer->relu && j < batch * layer->outputs; j++)
        y[j] = y[j] < 0.0f ? 0.0f : y[j];
}

static void backward(const fed_layer_t *layer, void *memory, size_t batch, const float *x,
                     const float *dy, const float *w, const fed_sink_t *sink, float *dx) {
    scratch_t *scratch = memory;
    fed_group_norm_t norm = norm_of(layer);
    fed_sink_t weights = fed_sink_at(sink, layer->weight), bias = fed_sink_at(sink, layer->bias);
    float *dweight = scratch->gradient, *dbias = scratch->gradient + norm.channels;
    fed_group_norm_backward(&norm, batch, x, dy, w + layer->weight, layer->input_relu ? x : NULL,
                            dx, dweight, dbias, scratch->memory);
    if (sink->kind == FED_SINK_NORMS) {
        fed_group_norm_squared_norms(&norm, batch, x, dy, w + layer->weight, scratch->gradient,
                                     sink->squared, scratch->memory);
        return;
    }
    fed_sink_take(&weights, norm.channels, dweight);
    fed_sink_take(&bias, norm.channels, dbias);
}

const fed_layer_kind_t fed_layer_group_norm = {
    .name = "group normalisation",
    .scratch_create = create,
    .scratch_destroy = destroy,
    .scratch_bytes = bytes,
    .infer = infer,
    .backward = backward,
};
