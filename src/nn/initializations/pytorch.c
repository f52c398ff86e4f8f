/* PyTorch's default for dense and convolutional layers, weights and biases alike. */
#include "initializations.h"

#include <math.h>

static void draw(const fed_tensor_t *tensor, const fed_stream_t *stream, float *values) {
    double bound = 1 / sqrt((double)tensor->fan_in);
    for (size_t i = 0; i < tensor->count; i++)
        values[i] = (float)(bound * (2 * fed_random_uniform(stream, (uint32_t)i) - 1));
}

const fed_initialization_t fed_initialization_pytorch = {
    .plugin = {.name = "pytorch", .summary = "U(-1/sqrt(fan_in), 1/sqrt(fan_in)), PyTorch's"},
    .draw = draw,
};
