#include "fedmpi/math/fixed.h"

#include "simd/kernels.h"

#include <assert.h>

bool fed_fixed_accumulate(size_t n, const float *w_local, const float *w_global, double weight,
                          int64_t *acc, double *squared_norm) {
    assert(weight >= 0.0 && weight <= 1.0);
    return fed_simd_kernels()->fixed_accumulate(n, w_local, w_global, weight, acc, squared_norm);
}

void fed_fixed_decode(size_t n, const int64_t *acc, float *out) {
    fed_simd_kernels()->fixed_decode(n, acc, out);
}

void fed_fixed_decode_double(size_t n, const int64_t *acc, double *out) {
    fed_simd_kernels()->fixed_decode_double(n, acc, out);
}
