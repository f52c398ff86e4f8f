/* From the order of data sets to that of images between layers. */
#include "fedmpi/nn/layer.h"

static void infer(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                  const float *w, float *y) {
    size_t channels = layer->image.channels, pixels = layer->image.height * layer->image.width;
    (void)scratch;
    (void)w;
    for (size_t s = 0; s < batch; s++, x += layer->inputs, y += layer->outputs)
        for (size_t p = 0; p < pixels; p++)
            for (size_t c = 0; c < channels; c++)
                y[p * channels + c] = x[c * pixels + p];
}

static void backward(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                     const float *dy, const float *w, const fed_sink_t *sink, float *dx) {
    size_t channels = layer->image.channels, pixels = layer->image.height * layer->image.width;
    (void)scratch;
    (void)w;
    (void)sink;
    for (size_t s = 0; dx && s < batch; s++)
        for (size_t p = 0; p < pixels; p++)
            for (size_t c = 0; c < channels; c++) {
                size_t to = s * layer->inputs + c * pixels + p;
                bool closed = layer->input_relu && x[to] <= 0.0f;
                dx[to] = closed ? 0.0f : dy[s * layer->outputs + p * channels + c];
            }
}

const fed_layer_kind_t fed_layer_channels_last = {
    .name = "channels last",
    .infer = infer,
    .backward = backward,
};
