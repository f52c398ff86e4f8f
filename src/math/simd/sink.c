/* Gradients that are handed over as whole vectors, and steps of SGD on them. */
#include "kernels.h"
#include "sink_inline.h"

void FED_SIMD_NAME(sgd_step)(size_t n, const fed_sgd_t *sgd, const float *g, float *v, float *w) {
    fed_sgd_apply(n, sgd, g, v, w);
}

void FED_SIMD_NAME(sink_take)(const fed_sink_t *sink, size_t n, const float *g) {
    fed_sink_put(sink, 0, n, g);
}

static bool all_zero(size_t n, const float *v) {
    uint32_t bits = 0;
    for (size_t j = 0; j < n; j++)
        bits |= v[j] != 0.0f;
    return bits == 0;
}

/* Zeros change nothing where nothing moves. */
static bool at_rest(const fed_sink_t *sink, size_t n) {
    if (sink->kind == FED_SINK_STORE)
        return all_zero(n, sink->g);
    return sink->sgd.weight_decay == 0.0f && all_zero(n, sink->v);
}

/* A run of parameters that the registers hold while the steps repeat. */
enum { RUN = 8 * FED_LANES };

FED_INLINE void coast(const fed_sink_t *sink, size_t first, size_t count, uint64_t steps) {
    static const float zero[RUN];
    for (uint64_t step = 0; step < steps; step++)
        fed_sink_put(sink, first, count, zero);
}

void FED_SIMD_NAME(sink_coast)(const fed_sink_t *sink, size_t n, uint64_t steps) {
    size_t first = 0;
    if (at_rest(sink, n))
        return;
    for (; first + RUN <= n; first += RUN)
        coast(sink, first, RUN, steps);
    coast(sink, first, n - first, steps);
}
