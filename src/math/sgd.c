#include "fedmpi/math/sgd.h"

#include "simd/kernels.h"

void fed_sgd_step(size_t n, const fed_sgd_t *sgd, const float *g, float *v, float *w) {
    fed_simd_kernels()->sgd_step(n, sgd, g, v, w);
}
