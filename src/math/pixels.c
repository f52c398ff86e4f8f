#include "fedmpi/math/pixels.h"

#include "simd/kernels.h"

void fed_pixels_gather(size_t batch, size_t inputs, const uint8_t *pixels, const uint32_t *index,
                       float scale, float offset, float *x) {
    fed_simd_kernels()->pixels_gather(batch, inputs, pixels, index, scale, offset, x);
}
