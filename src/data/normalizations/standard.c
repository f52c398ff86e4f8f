/* Each channel gets mean 0 and standard deviation 1 over the training samples. */
#include "normalizations.h"

#include <math.h>

static double stored_value(const fed_raw_samples_t *samples, fed_value_type_t type, size_t at) {
    return type == FED_VALUES_FLOAT32 ? ((const float *)samples->values)[at]
                                      : ((const uint8_t *)samples->values)[at];
}

/* Mean and standard deviation, two passes in double; samples that are held out do not count. */
static void measure_values(const fed_channel_t *channel, double *mean, double *deviation) {
    const fed_block_header_t *header = channel->header;
    fed_value_type_t type = header->shape.type;
    size_t samples = header->train_count - header->validation_count;
    size_t first = channel->first, last = channel->first + channel->count;
    double values = (double)samples * (double)channel->count, sum = 0, squares = 0;
    for (size_t i = 0; i < samples; i++)
        for (size_t f = first; f < last; f++)
            sum += stored_value(channel->train, type, i * header->features + f);
    *mean = sum / values;
    for (size_t i = 0; i < samples; i++)
        for (size_t f = first; f < last; f++) {
            double off = stored_value(channel->train, type, i * header->features + f) - *mean;
            squares += off * off;
        }
    *deviation = sqrt(squares / values);
}

static void measure(const fed_channel_t *channel, float *scale, float *shift) {
    double mean, deviation;
    measure_values(channel, &mean, &deviation);
    double factor = deviation > 0 ? 1 / deviation : 1;
    *scale = (float)factor;
    *shift = (float)(-mean * factor);
}

const fed_normalization_t fed_normalization_standard = {
    .plugin = {.name = "standard",
               .summary = "mean 0 and deviation 1 over the training set, each channel"},
    .measures = true,
    .measure = measure,
};
