/* Exact sums of client updates; see fedmpi/math/fixed.h. */
#include "kernels.h"
#include "vector.h"

#include "fedmpi/math/fixed.h"

#include <math.h>

/* Partial sums of the squared norm: as many on every CPU, so that its bits are the same. */
enum { PARTS = 32 };

/* Accumulate `count` <= PARTS differences; returns how many of them are out of range. */
FED_INLINE int accumulate_run(size_t count, const float *restrict w_local,
                              const float *restrict w_global, double scale, int64_t *restrict acc,
                              double *restrict squares) {
    int out_of_range = 0;
#pragma omp simd reduction(+ : out_of_range)
    for (size_t j = 0; j < count; j++) {
        double difference = (double)w_local[j] - (double)w_global[j];
        int good = fabs(difference) < FED_FIXED_LIMIT;
        difference = good ? difference : 0.0;
        out_of_range += !good;
        squares[j] += difference * difference;
        acc[j] = (int64_t)((uint64_t)acc[j] + (uint64_t)(int64_t)rint(difference * scale));
    }
    return out_of_range;
}

bool FED_SIMD_NAME(fixed_accumulate)(size_t n, const float *w_local, const float *w_global,
                                     double weight, int64_t *acc, double *squared_norm) {
    double scale = weight * FED_FIXED_ONE, squares[PARTS] = {0}, sum = 0.0;
    int out_of_range = 0;
    size_t j = 0;
    for (; j + PARTS <= n; j += PARTS)
        out_of_range |= accumulate_run(PARTS, w_local + j, w_global + j, scale, acc + j, squares);
    out_of_range |= accumulate_run(n - j, w_local + j, w_global + j, scale, acc + j, squares);
    for (size_t part = 0; part < PARTS; part++)
        sum += squares[part];
    *squared_norm = sum;
    return out_of_range == 0;
}

void FED_SIMD_NAME(fixed_decode)(size_t n, const int64_t *restrict acc, float *restrict out) {
#pragma omp simd
    for (size_t j = 0; j < n; j++)
        out[j] = (float)acc[j] * (float)(1.0 / FED_FIXED_ONE);
}

void FED_SIMD_NAME(fixed_decode_double)(size_t n, const int64_t *restrict acc,
                                        double *restrict out) {
#pragma omp simd
    for (size_t j = 0; j < n; j++)
        out[j] = (double)acc[j] * (1.0 / FED_FIXED_ONE);
}
