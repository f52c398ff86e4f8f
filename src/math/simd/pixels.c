/* Bytes to floats; see fedmpi/math/pixels.h. */
#include "kernels.h"

void FED_SIMD_NAME(pixels_gather)(size_t batch, size_t inputs, const uint8_t *pixels,
                                  const uint32_t *index, float scale, float offset, float *x) {
    for (size_t s = 0; s < batch; s++) {
        const uint8_t *restrict from = pixels + (index ? index[s] : s) * inputs;
        float *restrict to = x + s * inputs;
#pragma omp simd
        for (size_t j = 0; j < inputs; j++)
            to[j] = (float)from[j] * scale + offset;
    }
}
