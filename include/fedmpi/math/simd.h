/* Which instruction set the kernels of this process use.
 *
 * The kernels are compiled once for each of "avx512" (x86-64-v4), "avx2"
 * (x86-64-v3: AVX2 and FMA) and "plain" (any CPU), and the best one that the CPU
 * supports is chosen at first use. avx512 and avx2 give the same bits: both add
 * each sum's terms in the same order with fused multiply-adds. plain does as
 * well where its CPU fuses (aarch64), and differs by rounding where it does not.
 */
#ifndef FEDMPI_MATH_SIMD_H
#define FEDMPI_MATH_SIMD_H

#include <stdbool.h>

/** The name of the chosen kernels, for logs and results. */
const char *fed_simd_name(void);

/** Use other kernels from now on; for tests and benchmarks.
 *
 * The environment variable FEDMPI_SIMD does the same before the first use.
 *
 * @return false, and no change, if the name is unknown or the CPU lacks them
 */
bool fed_simd_select(const char *name);

#endif
