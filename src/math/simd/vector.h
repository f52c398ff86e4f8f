/* Vectors of the width that this copy of the kernels is compiled for. */
#ifndef FEDMPI_MATH_SIMD_VECTOR_H
#define FEDMPI_MATH_SIMD_VECTOR_H

#include <stdint.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { FED_LANES = 16 };
#elif defined(__AVX2__)
enum { FED_LANES = 8 };
#else
enum { FED_LANES = 4 };
#endif

typedef float fed_vec_t __attribute__((vector_size(4 * FED_LANES)));
typedef uint32_t fed_uvec_t __attribute__((vector_size(4 * FED_LANES)));
/* The same in memory that is not aligned. */
typedef float fed_vec_unaligned_t
    __attribute__((vector_size(4 * FED_LANES), aligned(4), may_alias));

/* gcc has had the vector built-ins below since these versions; 8 is in RHEL 8. A test sets
 * an older version than the compiler's own. */
#ifdef __clang__
#define FED_GCC_VERSION 12
#elif !defined FED_GCC_VERSION
#define FED_GCC_VERSION __GNUC__
#endif
#define FED_HAS_SHUFFLEVECTOR (FED_GCC_VERSION >= 12)
#define FED_HAS_CONVERTVECTOR (FED_GCC_VERSION >= 9)

#define FED_INLINE static inline __attribute__((always_inline))

/* Bit l is set where lane l is not zero. A NaN is not zero. */
FED_INLINE uint64_t fed_vec_nonzero(fed_vec_t x) {
#if defined(__AVX512F__)
    return _mm512_cmp_ps_mask(x, (fed_vec_t){0}, _CMP_NEQ_UQ);
#elif defined(__AVX2__)
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(x, (fed_vec_t){0}, _CMP_NEQ_UQ));
#else
    uint64_t bits = 0;
    for (int l = 0; l < FED_LANES; l++)
        bits |= (uint64_t)(x[l] != 0.0f) << l;
    return bits;
#endif
}

/* Arrays of accumulators become registers only if the loops over them are unrolled
 * early. gcc needs to be told; clang does it by itself, and does it too late if told. */
#ifdef __clang__
#define FED_UNROLL
#else
#define FED_UNROLL _Pragma("GCC unroll 16")
#endif

#endif
