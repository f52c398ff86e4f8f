#include "fedmpi/math/adam.h"

#include "simd/kernels.h"

void fed_adam_step(size_t n, const fed_adam_t *adam, const float *g, float *m, float *v, float *w) {
    fed_simd_kernels()->adam_step(n, adam, g, m, v, w);
}
