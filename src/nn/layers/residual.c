/* Residual connections, He et al. 2016: a shortcut passes its inputs on, and a sum adds them to
 * what the layers between have made of them. The two share the shortcut's scratch. */
#include "fedmpi/nn/layer.h"

#include "fedmpi/core/memory.h"

#include <string.h>

typedef struct {
    const float *x; /* what the shortcut was given, [batch][outputs]; the workspace's */
    float *dy;      /* derivatives by the sum's outputs, [max_batch][outputs] */
} scratch_t;

static void *create(const fed_layer_t *layer, size_t max_batch) {
    scratch_t *scratch = FED_NEW(scratch_t);
    scratch->dy = FED_NEW_ARRAY(float, max_batch * layer->outputs);
    return scratch;
}

static void destroy(void *memory) {
    scratch_t *scratch = memory;
    fed_free(scratch->dy);
    fed_free(scratch);
}

static size_t bytes(const fed_layer_t *layer, size_t max_batch) {
    return sizeof(scratch_t) + max_batch * layer->outputs * sizeof(float);
}

static void pass_on(const fed_layer_t *layer, void *memory, size_t batch, const float *x,
                    const float *w, float *y) {
    scratch_t *scratch = memory;
    (void)w;
    scratch->x = x;
    memcpy(y, x, batch * layer->outputs * sizeof *y);
}

static void add_derivatives(const fed_layer_t *layer, void *memory, size_t batch, const float *x,
                            const float *dy, const float *w, const fed_sink_t *sink, float *dx) {
    const scratch_t *scratch = memory;
    const float *restrict by_shortcut = scratch->dy;
    bool gated = layer->input_relu;
    (void)w;
    (void)sink;
    for (size_t j = 0; dx && j < batch * layer->outputs; j++)
        dx[j] = gated && x[j] <= 0.0f ? 0.0f : dy[j] + by_shortcut[j];
}

static void add_inputs(const fed_layer_t *layer, void *memory, size_t batch, const float *x,
                       const float *w, float *y) {
    const scratch_t *scratch = memory;
    const float *shortcut = scratch->x;
    bool relu = layer->relu;
    (void)w;
    for (size_t j = 0; j < batch * layer->outputs; j++) {
        float sum = x[j] + shortcut[j];
        y[j] = relu && sum < 0.0f ? 0.0f : sum;
    }
}

static void keep_derivatives(const fed_layer_t *layer, void *memory, size_t batch, const float *x,
                             const float *dy, const float *w, const fed_sink_t *sink, float *dx) {
    scratch_t *scratch = memory;
    bool gated = layer->input_relu;
    (void)w;
    (void)sink;
    memcpy(scratch->dy, dy, batch * layer->outputs * sizeof *dy);
    for (size_t j = 0; dx && j < batch * layer->outputs; j++)
        dx[j] = gated && x[j] <= 0.0f ? 0.0f : dy[j];
}

const fed_layer_kind_t fed_layer_shortcut = {
    .name = "shortcut",
    .scratch_create = create,
    .scratch_destroy = destroy,
    .scratch_bytes = bytes,
    .infer = pass_on,
    .backward = add_derivatives,
};

const fed_layer_kind_t fed_layer_sum = {
    .name = "sum",
    .infer = add_inputs,
    .backward = keep_derivatives,
};
