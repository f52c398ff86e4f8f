/* Handing over a run of a gradient; see fedmpi/math/sink.h and fedmpi/math/sgd.h. */
#ifndef FEDMPI_MATH_SIMD_SINK_INLINE_H
#define FEDMPI_MATH_SIMD_SINK_INLINE_H

#include "fedmpi/math/sink.h"

#include "vector.h"

/* The flags are arguments so that each use has a loop without branches. */
FED_INLINE void fed_sgd_run(size_t n, const fed_sgd_t *sgd, bool decay, bool nesterov,
                            const float *restrict g, float *restrict v, float *restrict w) {
    float rate = sgd->learning_rate, momentum = sgd->momentum, weight_decay = sgd->weight_decay;
#pragma omp simd
    for (size_t j = 0; j < n; j++) {
        float gradient = decay ? weight_decay * w[j] + g[j] : g[j];
        float velocity = momentum * v[j] + gradient;
        float step = nesterov ? momentum * velocity + gradient : velocity;
        v[j] = velocity;
        w[j] -= rate * step;
    }
}

FED_INLINE void fed_sgd_apply(size_t n, const fed_sgd_t *sgd, const float *g, float *v, float *w) {
    bool decay = sgd->weight_decay != 0.0f;
    if (!decay && !sgd->nesterov)
        fed_sgd_run(n, sgd, false, false, g, v, w);
    else
        fed_sgd_run(n, sgd, decay, sgd->nesterov, g, v, w);
}

FED_INLINE void fed_store_apply(size_t n, float keep, const float *restrict from,
                                float *restrict g) {
#pragma omp simd
    for (size_t j = 0; j < n; j++)
        g[j] = keep * g[j] + from[j];
}

/* The gradient of the sink's parameters first .. first+n-1. */
FED_INLINE void fed_sink_put(const fed_sink_t *sink, size_t first, size_t n, const float *g) {
    if (sink->kind == FED_SINK_SGD)
        fed_sgd_apply(n, &sink->sgd, g, sink->v + first, sink->w + first);
    else
        fed_store_apply(n, sink->keep, g, sink->g + first);
}

#endif
