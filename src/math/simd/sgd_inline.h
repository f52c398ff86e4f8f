/* One step of SGD on a run of parameters; see fedmpi/math/sgd.h. */
#ifndef FEDMPI_MATH_SIMD_SGD_INLINE_H
#define FEDMPI_MATH_SIMD_SGD_INLINE_H

#include "fedmpi/math/sgd.h"

#include "vector.h"

/* The flags are arguments so that each use has a loop without branches. */
FED_INLINE void fed_sgd_run(size_t n, const fed_sgd_t *sgd, bool decay, bool nesterov, bool apply,
                            const float *restrict g, float *restrict v, float *restrict w) {
    float rate = sgd->learning_rate, momentum = sgd->momentum, weight_decay = sgd->weight_decay;
#pragma omp simd
    for (size_t j = 0; j < n; j++) {
        float gradient = decay ? weight_decay * w[j] + g[j] : g[j];
        float velocity = momentum * v[j] + gradient;
        float step = nesterov ? momentum * velocity + gradient : velocity;
        v[j] = velocity;
        if (apply)
            w[j] -= rate * step;
    }
}

FED_INLINE void fed_sgd_apply(size_t n, const fed_sgd_t *sgd, const float *g, float *v, float *w) {
    bool decay = sgd->weight_decay != 0.0f;
    if (!decay && !sgd->nesterov && !sgd->gradient_only)
        fed_sgd_run(n, sgd, false, false, true, g, v, w);
    else if (sgd->gradient_only)
        fed_sgd_run(n, sgd, decay, false, false, g, v, w);
    else
        fed_sgd_run(n, sgd, decay, sgd->nesterov, true, g, v, w);
}

#endif
