/* Dropout. What is dropped is a pure function of what the step is (seed, client, round,
 * epoch, layer, sample's position in the epoch's order), like all that is random. */
#include "fedmpi/nn/layer.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/core/memory.h"

#include <assert.h>
#include <string.h>

typedef struct {
    size_t drawn;   /* samples that the factors are for; 0 after their step */
    float *factors; /* [batch][outputs]: 0 or 1 / (1 - drop) */
} scratch_t;

static void *create(const fed_layer_t *layer, size_t max_batch) {
    scratch_t *scratch = FED_NEW(scratch_t);
    scratch->factors = FED_NEW_ARRAY(float, max_batch * layer->outputs);
    return scratch;
}

static void destroy(void *memory) {
    scratch_t *scratch = memory;
    fed_free(scratch->factors);
    fed_free(scratch);
}

static size_t bytes(const fed_layer_t *layer, size_t max_batch) {
    return sizeof(scratch_t) + max_batch * layer->outputs * sizeof(float);
}

/* A stream of its own for one sample in one layer: the counter of one draw has no room
 * for layer, sample and unit, so the sample's draw is the key of the units' draws. */
static fed_stream_t stream_of_sample(const fed_stream_t *stream, uint32_t number, size_t position) {
    fed_stream_t samples = *stream;
    samples.purpose = FED_RANDOM_UNITS;
    return (fed_stream_t){
        .seed = fed_random_bits(&samples, (uint32_t)position),
        .purpose = FED_RANDOM_UNITS,
        .who = number,
    };
}

/* 32 bits a number, two numbers a draw. */
static void draw_sample(const fed_layer_t *layer, const fed_stream_t *stream, float *factors) {
    uint32_t keep_from = (uint32_t)(layer->drop * 0x1p32);
    float scale = (float)(1 / (1 - layer->drop));
    for (size_t i = 0; i < layer->outputs; i += 2) {
        uint64_t bits = fed_random_bits(stream, (uint32_t)(i / 2));
        factors[i] = (uint32_t)bits >= keep_from ? scale : 0.0f;
        if (i + 1 < layer->outputs)
            factors[i + 1] = (uint32_t)(bits >> 32) >= keep_from ? scale : 0.0f;
    }
}

static void draw(const fed_layer_t *layer, void *memory, const fed_stream_t *stream,
                 uint32_t number, size_t position, size_t batch) {
    scratch_t *scratch = memory;
    for (size_t s = 0; s < batch; s++) {
        fed_stream_t own = stream_of_sample(stream, number, position + s);
        draw_sample(layer, &own, scratch->factors + s * layer->outputs);
    }
    scratch->drawn = batch;
}

static void infer(const fed_layer_t *layer, void *scratch, size_t batch, const float *x,
                  const float *w, float *y) {
    (void)scratch;
    (void)w;
    memcpy(y, x, batch * layer->outputs * sizeof *y);
}

static void forward(const fed_layer_t *layer, void *memory, size_t batch, const float *x,
                    const float *w, float *y) {
    const scratch_t *scratch = memory;
    const float *restrict factors = scratch->factors;
    (void)w;
    assert(scratch->drawn == batch); /* fed_model_draw comes before each step */
    for (size_t j = 0; j < batch * layer->outputs; j++)
        y[j] = x[j] * factors[j];
}

static void backward(const fed_layer_t *layer, void *memory, size_t batch, const float *x,
                     const float *dy, const float *w, const fed_sink_t *sink, float *dx) {
    scratch_t *scratch = memory;
    const float *restrict factors = scratch->factors;
    bool gated = layer->input_relu;
    (void)w;
    (void)sink;
    scratch->drawn = 0;
    for (size_t j = 0; dx && j < batch * layer->outputs; j++)
        dx[j] = gated && x[j] <= 0.0f ? 0.0f : dy[j] * factors[j];
}

const fed_layer_kind_t fed_layer_dropout = {
    .name = "dropout",
    .scratch_create = create,
    .scratch_destroy = destroy,
    .scratch_bytes = bytes,
    .draw = draw,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
