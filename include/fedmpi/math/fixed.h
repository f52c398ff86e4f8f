/* Exact sums of client updates, as 64-bit fixed-point integers.
 *
 * A client's weighted update is rounded once, to a multiple of 2^-40, and added
 * as an integer; so the sum over clients is the same in any order and grouping.
 */
#ifndef FEDMPI_MATH_FIXED_H
#define FEDMPI_MATH_FIXED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FED_FIXED_ONE 0x1p40   /* what 1.0 is as an integer */
#define FED_FIXED_LIMIT 0x1p22 /* a change of a parameter that is this large is divergence */

/** acc[j] += round(weight * (w_local[j] - w_global[j]) * 2^40), ties to even.
 *
 * Local. The same integers with every instruction set.
 *
 * @param weight        the client's share of the average, 0 <= weight <= 1
 * @param acc           [in,out] the sum so far, [n]; modulo 2^64
 * @param squared_norm  [out] sum of (w_local[j] - w_global[j])^2, in a fixed order
 * @return false if a difference is not finite or not below FED_FIXED_LIMIT in size:
 *         the client diverged. Such differences add nothing to acc, the others do.
 */
bool fed_fixed_accumulate(size_t n, const float *w_local, const float *w_global, double weight,
                          int64_t *acc, double *squared_norm);

/** out[j] = acc[j] * 2^-40, rounded to the nearest float (double, where both may be the same
 * memory). */
void fed_fixed_decode(size_t n, const int64_t *acc, float *out);
void fed_fixed_decode_double(size_t n, const int64_t *acc, double *out);

#endif
