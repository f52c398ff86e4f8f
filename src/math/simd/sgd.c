/* Steps of SGD on whole vectors. */
#include "kernels.h"
#include "sgd_inline.h"

void FED_SIMD_NAME(sgd_step)(size_t n, const fed_sgd_t *sgd, const float *g, float *v, float *w) {
    fed_sgd_apply(n, sgd, g, v, w);
}

static bool all_zero(size_t n, const float *v) {
    uint32_t bits = 0;
    for (size_t j = 0; j < n; j++)
        bits |= v[j] != 0.0f;
    return bits == 0;
}

/* A run of parameters that the registers hold while the steps repeat. */
enum { RUN = 8 * FED_LANES };

FED_INLINE void coast(size_t count, const fed_sgd_t *sgd, uint64_t steps, float *v, float *w) {
    static const float zero[RUN];
    for (uint64_t step = 0; step < steps; step++)
        fed_sgd_apply(count, sgd, zero, v, w);
}

void FED_SIMD_NAME(sgd_coast)(size_t n, const fed_sgd_t *sgd, uint64_t steps, float *v, float *w) {
    size_t first = 0;
    if (sgd->weight_decay == 0.0f && all_zero(n, v))
        return;
    for (; first + RUN <= n; first += RUN)
        coast(RUN, sgd, steps, v + first, w + first);
    coast(n - first, sgd, steps, v + first, w + first);
}
