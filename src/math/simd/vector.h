/* Vectors of the width that this copy of the kernels is compiled for. */
#ifndef FEDMPI_MATH_SIMD_VECTOR_H
#define FEDMPI_MATH_SIMD_VECTOR_H

#include <stdint.h>

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

#define FED_INLINE static inline __attribute__((always_inline))

/* Arrays of accumulators become registers only if the loops over them are unrolled
 * early. gcc needs to be told; clang does it by itself, and does it too late if told. */
#ifdef __clang__
#define FED_UNROLL
#else
#define FED_UNROLL _Pragma("GCC unroll 16")
#endif

#endif
