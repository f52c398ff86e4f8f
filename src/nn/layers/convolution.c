/* Convolution. */
#include "fedmpi/nn/layer.h"

#include "fedmpi/math/conv.h"

static fed_conv_shape_t shape_of(const fed_layer_t *layer) {
    fed_conv_shape_t shape = {
        .channels = layer->image.channels,
        .height = layer->image.height,
        .width = layer->image.width,
        .kernel = layer->kernel,
        .padding = layer->padding,
    };
    shape.outputs = layer->outputs / fed_conv_output_size(&shape, shape.height) /
                    fed_conv_output_size(&shape, shape.width);
    return shape;
}

static void *create(const fed_layer_t *layer, size_t max_batch) {
    (void)max_batch;
    fed_conv_shape_t shape = shape_of(layer);
    return fed_conv_create(&shape);
}

static void destroy(void *scratch) {
    fed_conv_destroy(scratch);
}

static size_t bytes(const fed_layer_t *layer, size_t max_batch) {
    (void)max_batch;
    fed_conv_shape_t shape = shape_of(layer);
    return fed_conv_bytes(&shape);
}

static void infer(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                  const float *w, float *y) {
    fed_conv_forward(scratch, batch, x, w + layer->weight, w + layer->bias, layer->relu, y);
}

static void backward(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                     const float *dy, const float *w, const fed_sink_t *sink, float *dx) {
    fed_sink_t weights = fed_sink_at(sink, layer->weight), bias = fed_sink_at(sink, layer->bias);
    if (dx) /* before the sink changes w */
        fed_conv_backward_input(scratch, batch, dy, w + layer->weight, layer->input_relu ? x : NULL,
                                dx);
    if (sink->kind == FED_SINK_NORMS)
        fed_conv_squared_norms(scratch, batch, x, dy, sink->squared);
    else
        fed_conv_backward_weights(scratch, batch, x, dy, &weights, &bias);
}

const fed_layer_kind_t fed_layer_convolution = {
    .name = "convolution",
    .scratch_create = create,
    .scratch_destroy = destroy,
    .scratch_bytes = bytes,
    .infer = infer,
    .backward = backward,
};
