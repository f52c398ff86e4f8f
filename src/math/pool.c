#include "fedmpi/math/pool.h"

#include "simd/kernels.h"

void fed_max_pool(size_t batch, size_t height, size_t width, size_t channels, const float *x,
                  bool relu, float *y, uint8_t *which) {
    fed_simd_kernels()->max_pool(batch, height, width, channels, x, relu, y, which);
}

void fed_max_pool_backward(size_t batch, size_t height, size_t width, size_t channels,
                           const float *dy, const uint8_t *which, const float *x, float *dx) {
    fed_simd_kernels()->max_pool_backward(batch, height, width, channels, dy, which, x, dx);
}
