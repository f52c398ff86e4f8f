/* 2 x 2 maxima; see fedmpi/math/pool.h. */
#include "kernels.h"
#include "vector.h"

#include <string.h>

/* One pixel of maxima out of four pixels. */
static void pool_pixel(size_t channels, const float *const from[4], bool relu, float *restrict y,
                       uint8_t *restrict which) {
    const float *restrict a = from[0], *restrict b = from[1];
    const float *restrict c = from[2], *restrict d = from[3];
#pragma omp simd
    for (size_t j = 0; j < channels; j++) {
        float best = a[j];
        uint8_t at = 0;
        at = b[j] > best || b[j] != b[j] ? 1 : at;
        best = b[j] > best || b[j] != b[j] ? b[j] : best;
        at = c[j] > best || c[j] != c[j] ? 2 : at;
        best = c[j] > best || c[j] != c[j] ? c[j] : best;
        at = d[j] > best || d[j] != d[j] ? 3 : at;
        best = d[j] > best || d[j] != d[j] ? d[j] : best;
        y[j] = relu && best < 0.0f ? 0.0f : best;
        which[j] = at;
    }
}

void FED_SIMD_NAME(max_pool)(size_t batch, size_t height, size_t width, size_t channels,
                             const float *x, bool relu, float *y, uint8_t *which) {
    for (size_t s = 0; s < batch; s++, x += height * width * channels)
        for (size_t r = 0; r < height / 2; r++)
            for (size_t c = 0; c < width / 2; c++) {
                const float *top = x + (2 * r * width + 2 * c) * channels;
                const float *bottom = top + width * channels;
                const float *const from[4] = {top, top + channels, bottom, bottom + channels};
                pool_pixel(channels, from, relu, y, which);
                y += channels;
                which += channels;
            }
}

FED_INLINE void spread_pixel(size_t channels, uint8_t at, const float *restrict dy,
                             const uint8_t *restrict which, const float *restrict gate,
                             float *restrict dx) {
#pragma omp simd
    for (size_t j = 0; j < channels; j++)
        dx[j] = which[j] == at && !(gate && gate[j] <= 0.0f) ? dy[j] : 0.0f;
}

void FED_SIMD_NAME(max_pool_backward)(size_t batch, size_t height, size_t width, size_t channels,
                                      const float *dy, const uint8_t *which, const float *x,
                                      float *dx) {
    size_t rows = height / 2 * 2, columns = width / 2 * 2;
    for (size_t s = 0; s < batch; s++)
        for (size_t r = 0; r < height; r++)
            for (size_t c = 0; c < width; c++) {
                size_t at = ((s * height + r) * width + c) * channels;
                size_t from = ((s * (height / 2) + r / 2) * (width / 2) + c / 2) * channels;
                uint8_t place = (uint8_t)(r % 2 * 2 + c % 2);
                if (r >= rows || c >= columns)
                    memset(dx + at, 0, channels * sizeof *dx);
                else if (x)
                    spread_pixel(channels, place, dy + from, which + from, x + at, dx + at);
                else
                    spread_pixel(channels, place, dy + from, which + from, NULL, dx + at);
            }
}
