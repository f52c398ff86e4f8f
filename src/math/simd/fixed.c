/* Exact sums of client updates; see fedmpi/math/fixed.h. */
#include "kernels.h"
#include "vector.h"

#include "fedmpi/math/fixed.h"

#include <math.h>
#include <string.h>
#ifdef __AVX512DQ__
#include <immintrin.h>
#endif

/* Partial sums of the squared norm: as many on every CPU, so that its bits are the same. */
enum { PARTS = 32, DOUBLES = FED_LANES / 2, VECTORS = PARTS / DOUBLES };
enum { BLOCK = 32 * PARTS }; /* differences that are looked at before they are added */
enum { LINE = 64 };

typedef float floats_t __attribute__((vector_size(4 * DOUBLES)));
typedef float unaligned_floats_t __attribute__((vector_size(4 * DOUBLES), aligned(4), may_alias));
typedef double doubles_t __attribute__((vector_size(8 * DOUBLES)));
typedef uint64_t words_t __attribute__((vector_size(8 * DOUBLES)));
typedef uint64_t unaligned_words_t __attribute__((vector_size(8 * DOUBLES), aligned(8), may_alias));

/* Differences below SMALL, times a weight of at most 1 and FED_FIXED_ONE, are below 2^51. */
#define SMALL 0x1p10f

FED_INLINE doubles_t widen(floats_t x) {
#if FED_HAS_CONVERTVECTOR
    return __builtin_convertvector(x, doubles_t);
#else
    doubles_t wide = {0};
    for (int l = 0; l < DOUBLES; l++)
        wide[l] = (double)x[l];
    return wide;
#endif
}

/* The nearest integer, ties to even, for |x| < 2^62, or 2^51 if `small`. */
#ifdef __AVX512DQ__
FED_INLINE words_t nearest_integers(doubles_t x, bool small) {
    (void)small;
    return (words_t)_mm512_cvtpd_epi64((__m512d)x);
}
#else
/* Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits, which is good for
 * 2^51; above that, first the multiple of 2^32 and then the rest, which is exact. */
FED_INLINE words_t nearest_integers(doubles_t x, bool small) {
    const double magic = 0x1.8p52;
    const uint64_t bits = UINT64_C(0x4338000000000000); /* of the magic number */
    if (small)
        return (words_t)(x + magic) - bits;
    doubles_t high = x * 0x1p-32 + magic;
    doubles_t low = (x - (high - magic) * 0x1p32) + magic;
    return ((words_t)high << 32) + (words_t)low - ((bits << 32) + bits);
}
#endif

/* Accumulate PARTS differences, which are known to be below SMALL if `small`; else `bad`
 * gets a bit where one is out of range. */
FED_INLINE void accumulate_run(bool small, const float *w_local, const float *w_global,
                               double scale, int64_t *acc, doubles_t squares[VECTORS],
                               words_t *bad) {
    FED_UNROLL
    for (int t = 0; t < VECTORS; t++) {
        floats_t local = *(const unaligned_floats_t *)(w_local + t * DOUBLES);
        floats_t global = *(const unaligned_floats_t *)(w_global + t * DOUBLES);
        doubles_t difference = widen(local) - widen(global);
        if (!small) {
            doubles_t size = (doubles_t)((words_t)difference & (UINT64_MAX >> 1));
            words_t good = (words_t)(size < FED_FIXED_LIMIT); /* a NaN is not */
            difference = (doubles_t)((words_t)difference & good);
            *bad |= ~good;
        }
        squares[t] += difference * difference;
        *(unaligned_words_t *)(acc + t * DOUBLES) += nearest_integers(difference * scale, small);
    }
}

/* The sums and the global parameters were last used when the client before ended, and come
 * from memory. Ask for those of the PARTS that are a block after the j-th. */
FED_INLINE void prefetch_run(size_t j, size_t whole, const float *w_global, const int64_t *acc) {
    j = j + BLOCK < whole ? j + BLOCK : whole - PARTS;
    FED_UNROLL
    for (size_t part = 0; part < PARTS; part += LINE / sizeof *acc)
        __builtin_prefetch(acc + j + part, 1);
    FED_UNROLL
    for (size_t part = 0; part < PARTS; part += LINE / sizeof *w_global)
        __builtin_prefetch(w_global + j + part);
}

/* The same for fewer: what is missing is like parameters that did not change. */
static void accumulate_rest(size_t count, const float *w_local, const float *w_global, double scale,
                            int64_t *acc, doubles_t squares[VECTORS], words_t *bad) {
    float local[PARTS] = {0}, global[PARTS] = {0};
    int64_t sums[PARTS] = {0};
    memcpy(local, w_local, count * sizeof *local);
    memcpy(global, w_global, count * sizeof *global);
    memcpy(sums, acc, count * sizeof *sums);
    accumulate_run(false, local, global, scale, sums, squares, bad);
    memcpy(acc, sums, count * sizeof *sums);
}

/* Whether differences are so small, with room for their rounding, that nothing else need be
 * asked of them: those of a client that trains are. */
static bool all_small(size_t n, const float *restrict w_local, const float *restrict w_global) {
    uint32_t large = 0;
#pragma omp simd reduction(| : large)
    for (size_t j = 0; j < n; j++)
        large |= !(fabsf(w_local[j] - w_global[j]) < SMALL / 2);
    return large == 0;
}

bool FED_SIMD_NAME(fixed_accumulate)(size_t n, const float *w_local, const float *w_global,
                                     double weight, int64_t *acc, double *squared_norm) {
    double scale = weight * FED_FIXED_ONE, sum = 0.0;
    doubles_t squares[VECTORS] = {{0}};
    words_t bad = {0};
    uint64_t any_bad = 0;
    size_t j = 0, whole = n / PARTS * PARTS;
    while (j < whole) {
        size_t end = j + BLOCK < whole ? j + BLOCK : whole;
        bool small = all_small(end - j, w_local + j, w_global + j);
        for (; small && j < end; j += PARTS) {
            prefetch_run(j, whole, w_global, acc);
            accumulate_run(true, w_local + j, w_global + j, scale, acc + j, squares, &bad);
        }
        for (; j < end; j += PARTS)
            accumulate_run(false, w_local + j, w_global + j, scale, acc + j, squares, &bad);
    }
    if (j < n)
        accumulate_rest(n - j, w_local + j, w_global + j, scale, acc + j, squares, &bad);
    for (int part = 0; part < PARTS; part++) {
        sum += squares[part / DOUBLES][part % DOUBLES];
        any_bad |= bad[part % DOUBLES];
    }
    *squared_norm = sum;
    return any_bad == 0;
}

void FED_SIMD_NAME(fixed_decode)(size_t n, const int64_t *restrict acc, float *restrict out) {
#pragma omp simd
    for (size_t j = 0; j < n; j++)
        out[j] = (float)acc[j] * (float)(1.0 / FED_FIXED_ONE);
}

/* Also where both are the same memory. */
void FED_SIMD_NAME(fixed_decode_double)(size_t n, const int64_t *acc, double *out) {
#pragma omp simd
    for (size_t j = 0; j < n; j++) {
        double value = (double)acc[j] * (1.0 / FED_FIXED_ONE);
        memcpy(out + j, &value, sizeof value);
    }
}
