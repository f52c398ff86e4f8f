/* Decoding samples into batches. */
#include "fedmpi/data/dataset.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/data/transform.h"
#include "fedmpi/math/pixels.h"

/* One stored sample, channel by channel: a multiply and an add a value. */
static void decode_stored(const fed_samples_t *samples, size_t index, float *restrict x) {
    size_t plane = samples->features / samples->channels;
    for (size_t c = 0; c < samples->channels; c++, x += plane) {
        float scale = samples->scale[c], shift = samples->shift[c];
        size_t first = index * samples->features + c * plane;
        if (samples->type == FED_VALUES_UINT8) {
            const uint8_t *bytes = (const uint8_t *)samples->values + first;
            fed_pixels_gather(1, plane, bytes, NULL, scale, shift, x);
        } else {
            const float *restrict floats = (const float *)samples->values + first;
            for (size_t f = 0; f < plane; f++)
                x[f] = floats[f] * scale + shift;
        }
    }
}

static void decode(const fed_samples_t *samples, size_t index, float *x, int32_t *label) {
    if (samples->generator) {
        samples->generator->sample(samples->generator, index, x, label);
    } else {
        decode_stored(samples, index, x);
        *label = samples->labels[index];
    }
    if (samples->transform)
        fed_transform_apply(samples->transform, index, x);
}

/* Ask for a sample that will be decoded soon: those of a batch lie anywhere. Always inlined:
 * gcc drops calls of a function that only prefetches. */
static inline __attribute__((always_inline)) void prefetch(const fed_samples_t *samples,
                                                           size_t index) {
    enum { CACHE_LINE = 64 };
    size_t value = samples->type == FED_VALUES_UINT8 ? sizeof(uint8_t) : sizeof(float);
    size_t bytes = samples->features * value;
    const char *values = (const char *)samples->values + index * bytes;
    for (size_t at = 0; at < bytes; at += CACHE_LINE)
        __builtin_prefetch(values + at);
}

void fed_samples_gather(const fed_samples_t *samples, const uint32_t *index, size_t batch, float *x,
                        int32_t *labels) {
    enum { AHEAD = 4 };
    for (size_t b = 0; b < batch; b++) {
        if (!samples->generator && b + AHEAD < batch)
            prefetch(samples, index[b + AHEAD]);
        decode(samples, index[b], x + b * samples->features, &labels[b]);
    }
}

void fed_samples_slice(const fed_samples_t *samples, size_t first, size_t batch, float *x,
                       int32_t *labels) {
    for (size_t b = 0; b < batch; b++)
        decode(samples, first + b, x + b * samples->features, &labels[b]);
}

double fed_samples_density(const fed_samples_t *samples) {
    size_t looked_at = samples->count < 1000 ? samples->count : 1000, nonzero = 0;
    FED_AUTOFREE float *x = FED_NEW_ARRAY(float, samples->features);
    for (size_t i = 0; i < looked_at; i++) {
        int32_t label;
        decode(samples, i, x, &label);
        for (size_t f = 0; f < samples->features; f++)
            nonzero += x[f] != 0;
    }
    return looked_at ? (double)nonzero / (double)(looked_at * samples->features) : 0;
}
