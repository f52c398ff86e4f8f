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

#include "fedmpi/core/error.h"

#include <stdbool.h>
#include <stddef.h>

/** The name of the chosen kernels, for logs and results. */
const char *fed_simd_name(void);

/** Are they those for any CPU, without vector instructions of ours? */
bool fed_simd_is_plain(void);

/** Do their multiply-adds round once? All that do give the same bits, and all that do not. */
bool fed_simd_is_fused(void);

/** Are they those for AVX-512? */
bool fed_simd_is_avx512(void);

/** Choose kernels: those that the environment variable FEDMPI_SIMD names, else the best.
 * Without it the first use does so, and a wrong name ends the program.
 * @return FED_INPUT if the name is unknown or the CPU lacks them; the best are chosen then */
fed_status_t fed_simd_choose(void);

/** The chosen kernels' place in the list of all that are compiled in, the best first. */
size_t fed_simd_place(void);

/** Use those at a later place: where another rank has no better. Who supports an earlier one
 * supports the later ones. */
void fed_simd_step_down(size_t place);

/** Use other kernels from now on; for tests and benchmarks.
 * @return false, and no change, if the name is unknown or the CPU lacks them
 */
bool fed_simd_select(const char *name);

#endif
