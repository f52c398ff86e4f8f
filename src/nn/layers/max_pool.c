/* Maxima of 2 x 2 pixels; the scratch is [batch][outputs]: which pixel won. */
#include "fedmpi/nn/layer.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/math/pool.h"

static size_t bytes(const fed_layer_t *layer, size_t max_batch) {
    return max_batch * layer->outputs;
}

static void *create(const fed_layer_t *layer, size_t max_batch) {
    return FED_NEW_ARRAY(uint8_t, bytes(layer, max_batch));
}

static void infer(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                  const float *w, float *y) {
    (void)w;
    fed_max_pool(batch, layer->image.height, layer->image.width, layer->image.channels, x,
                 layer->relu, y, scratch);
}

static void backward(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                     const float *dy, const float *w, const fed_sink_t *sink, float *dx) {
    (void)w;
    (void)sink;
    if (dx)
        fed_max_pool_backward(batch, layer->image.height, layer->image.width, layer->image.channels,
                              dy, scratch, layer->input_relu ? x : NULL, dx);
}

const fed_layer_kind_t fed_layer_max_pool = {
    .name = "max pool",
    .scratch_create = create,
    .scratch_destroy = fed_free,
    .scratch_bytes = bytes,
    .infer = infer,
    .backward = backward,
};
