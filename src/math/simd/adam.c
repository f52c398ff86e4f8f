/* Steps of Adam. This file is compiled without contraction of products and sums. */
#include "kernels.h"
#include "vector.h"

#include <math.h>

void FED_SIMD_NAME(adam_step)(size_t n, const fed_adam_t *adam, const float *restrict g,
                              float *restrict m, float *restrict v, float *restrict w) {
    const fed_adam_t a = *adam; /* in registers: a store to w does not change it */
#pragma omp simd
    for (size_t j = 0; j < n; j++) {
        float gradient = g[j] + a.decay * w[j];
        float mean = a.beta1 * m[j] + a.fresh1 * gradient;
        float square = a.beta2 * v[j] + a.fresh2 * gradient * gradient;
        m[j] = mean;
        v[j] = square;
        w[j] = a.keep * w[j] - a.rate * mean / (sqrtf(square) * a.root + a.epsilon);
    }
}
