#include "fedmpi/math/group_norm.h"

#include "simd/kernels.h"

#include "fedmpi/math/norm.h"

size_t fed_group_norm_memory(const fed_group_norm_t *norm) {
    return 6 * norm->channels;
}

void fed_group_norm_forward(const fed_group_norm_t *norm, size_t batch, const float *x,
                            const float *weight, const float *bias, float *y, double *memory) {
    fed_simd_kernels()->group_norm_forward(norm, batch, x, weight, bias, y, memory);
}

void fed_group_norm_backward(const fed_group_norm_t *norm, size_t batch, const float *x,
                             const float *dy, const float *weight, const float *gate, float *dx,
                             float *dweight, float *dbias, double *memory) {
    fed_simd_kernels()->group_norm_backward(norm, batch, x, dy, weight, gate, dx, dweight, dbias,
                                            memory);
}

void fed_group_norm_squared_norms(const fed_group_norm_t *norm, size_t batch, const float *x,
                                  const float *dy, const float *weight, float *gradient,
                                  double *squared, double *memory) {
    size_t sample = norm->pixels * norm->channels;
    for (size_t s = 0; s < batch; s++) {
        fed_group_norm_backward(norm, 1, x + s * sample, dy + s * sample, weight, NULL, NULL,
                                gradient, gradient + norm->channels, memory);
        squared[s] += fed_squared_norm(2 * norm->channels, gradient);
    }
}
