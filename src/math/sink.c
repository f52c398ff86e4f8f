#include "fedmpi/math/sink.h"

#include "simd/kernels.h"

#include <assert.h>

fed_sink_t fed_sink_sgd(const fed_sgd_t *sgd, float *w, float *v) {
    return (fed_sink_t){.kind = FED_SINK_SGD, .sgd = *sgd, .w = w, .v = v};
}

fed_sink_t fed_sink_store(float keep, float *g) {
    return (fed_sink_t){.kind = FED_SINK_STORE, .keep = keep, .g = g};
}

fed_sink_t fed_sink_norms(double *squared) {
    return (fed_sink_t){.kind = FED_SINK_NORMS, .squared = squared};
}

fed_sink_t fed_sink_at(const fed_sink_t *sink, size_t first) {
    fed_sink_t at = *sink;
    if (at.kind == FED_SINK_SGD) {
        at.w += first;
        at.v += first;
    } else if (at.kind == FED_SINK_STORE)
        at.g += first;
    return at;
}

void fed_sink_take(const fed_sink_t *sink, size_t n, const float *g) {
    assert(sink->kind != FED_SINK_NORMS);
    fed_simd_kernels()->sink_take(sink, n, g);
}
