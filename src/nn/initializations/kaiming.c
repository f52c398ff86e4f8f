/* He et al. 2015, "Delving Deep into Rectifiers", equation 10: behind a ReLU the variance stays
 * what it was. Biases are 0. */
#include "initializations.h"

#include "fedmpi/core/distributions.h"

#include <math.h>

static void draw(const fed_tensor_t *tensor, const fed_stream_t *stream, float *values) {
    bool is_bias = tensor->dimensions == 1;
    double deviation = is_bias ? 0 : sqrt(2 / (double)tensor->fan_in);
    for (size_t i = 0; i < tensor->count; i++)
        values[i] = (float)(deviation * fed_random_normal(stream, (uint32_t)i));
}

const fed_initialization_t fed_initialization_kaiming = {
    .plugin = {.name = "kaiming", .summary = "N(0, 2/fan_in), biases 0 (He et al. 2015)"},
    .draw = draw,
};
