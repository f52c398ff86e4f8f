/* Fully connected layers, for dense and for mostly zero inputs. */
#include "fedmpi/nn/layer.h"

#include "fedmpi/core/error.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/math/dense.h"
#include "fedmpi/math/gemm.h"
#include "fedmpi/math/sparse.h"

#include <assert.h>

static bool by_openblas(const fed_layer_t *layer, fed_product_kind_t kind, size_t batch) {
    return fed_gemm_is_openblas(layer->gemm, kind, batch, layer->inputs, layer->outputs);
}

/* Of OpenBLAS's gradients; more samples never take a product away from it. */
static size_t scratch_floats(const fed_layer_t *layer, size_t max_batch) {
    if (!by_openblas(layer, FED_PRODUCT_BACKWARD_WEIGHTS, max_batch))
        return 0;
    return fed_gemm_memory(layer->inputs, layer->outputs);
}

static void *create(const fed_layer_t *layer, size_t max_batch) {
    size_t floats = scratch_floats(layer, max_batch);
    return floats > 0 ? FED_NEW_ARRAY(float, floats) : NULL;
}

static size_t bytes(const fed_layer_t *layer, size_t max_batch) {
    return scratch_floats(layer, max_batch) * sizeof(float);
}

static void infer(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                  const float *w, float *y) {
    (void)scratch;
    bool openblas = by_openblas(layer, FED_PRODUCT_FORWARD, batch);
    (openblas ? fed_gemm_forward : fed_dense_forward)(batch, layer->inputs, layer->outputs, x,
                                                      w + layer->weight, w + layer->bias,
                                                      layer->relu, y);
}

static void backward_input(const fed_layer_t *layer, size_t batch, const float *x, const float *dy,
                           const float *w, float *dx) {
    bool openblas = by_openblas(layer, FED_PRODUCT_BACKWARD_INPUT, batch);
    if (dx)
        (openblas ? fed_gemm_backward_input
                  : fed_dense_backward_input)(batch, layer->inputs, layer->outputs, dy,
                                              w + layer->weight, layer->input_relu ? x : NULL, dx);
}

static void backward(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                     const float *dy, const float *w, const fed_sink_t *sink, float *dx) {
    fed_sink_t weights = fed_sink_at(sink, layer->weight), bias = fed_sink_at(sink, layer->bias);
    backward_input(layer, batch, x, dy, w, dx); /* before the sink changes w */
    if (sink->kind == FED_SINK_NORMS)
        fed_dense_squared_norms(batch, layer->inputs, layer->outputs, x, dy, sink->squared);
    else if (by_openblas(layer, FED_PRODUCT_BACKWARD_WEIGHTS, batch)) {
        assert(scratch);
        fed_gemm_backward_weights(batch, layer->inputs, layer->outputs, x, dy, &weights, &bias,
                                  scratch);
    } else
        fed_dense_backward_weights(batch, layer->inputs, layer->outputs, x, dy, &weights, &bias);
}

const fed_layer_kind_t fed_layer_dense = {
    .name = "dense",
    .scratch_create = create,
    .scratch_destroy = fed_free,
    .scratch_bytes = bytes,
    .infer = infer,
    .backward = backward,
};

static void *sparse_create(const fed_layer_t *layer, size_t max_batch) {
    fed_sparse_t *sparse = fed_sparse_create(max_batch, layer->inputs, layer->outputs);
    if (!sparse)
        fed_die("no memory for a sparse layer of %zu inputs", layer->inputs);
    return sparse;
}

static size_t sparse_bytes(const fed_layer_t *layer, size_t max_batch) {
    return fed_sparse_bytes(max_batch, layer->inputs);
}

static void sparse_destroy(void *scratch) {
    fed_sparse_destroy(scratch);
}

static void sparse_forward(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                           const float *w, float *y) {
    fed_sparse_forward(scratch, batch, x, w + layer->weight, w + layer->bias, layer->relu, y);
}

static void sparse_backward(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                            const float *dy, const float *w, const fed_sink_t *sink, float *dx) {
    fed_sink_t weights = fed_sink_at(sink, layer->weight), bias = fed_sink_at(sink, layer->bias);
    backward_input(layer, batch, x, dy, w, dx);
    if (sink->kind == FED_SINK_NORMS)
        fed_dense_squared_norms(batch, layer->inputs, layer->outputs, x, dy, sink->squared);
    else
        fed_sparse_backward_weights(scratch, batch, x, dy, &weights, &bias);
}

static void sparse_infer(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                         const float *w, float *y) {
    (void)scratch;
    fed_dense_forward(batch, layer->inputs, layer->outputs, x, w + layer->weight, w + layer->bias,
                      layer->relu, y);
}

static void sparse_settle(void *scratch) {
    fed_sparse_flush(scratch);
}

const fed_layer_kind_t fed_layer_sparse_dense = {
    .name = "sparse dense",
    .scratch_create = sparse_create,
    .scratch_destroy = sparse_destroy,
    .scratch_bytes = sparse_bytes,
    .infer = sparse_infer,
    .forward = sparse_forward,
    .backward = sparse_backward,
    .settle = sparse_settle,
};
