/** Discrete Gaussian noise, exactly as its formula says.
 *
 * P(x) is proportional to exp(-x^2 / (2 sigma^2)) on the integers. Added to integers whose length
 * is bounded it gives what the continuous one gives (Canonne, Kamath and Steinke 2020, "The
 * Discrete Gaussian for Differential Privacy", Theorem 4), and no rounding of floats tells more
 * than that (Mironov 2012, "On Significance of the Least Significant Bits for Differential
 * Privacy"). All draws are coin flips with rational odds, computed in integers: no probability is
 * ever rounded.
 */
#ifndef FEDMPI_PRIVACY_DISCRETE_GAUSSIAN_H
#define FEDMPI_PRIVACY_DISCRETE_GAUSSIAN_H

#include "fedmpi/core/random.h"

#include <stddef.h>
#include <stdint.h>

/** sigma^2 = square * 2^exponent; t = 2^scale_bits is the scale of proposals, sigma <= t. */
typedef struct fed_discrete_gaussian {
    uint64_t square;
    int exponent;
    int scale_bits;
} fed_discrete_gaussian_t;

#define FED_DISCRETE_GAUSSIAN_MAX 0x1p50

/** The variance is rounded up, by less than 2^-54 of it.
 * @param sigma  0 < sigma <= FED_DISCRETE_GAUSSIAN_MAX */
fed_discrete_gaussian_t fed_discrete_gaussian(double sigma);

/** One draw: a pure function of stream and index. The stream's `which` is not read: it counts the
 * words of a draw. */
int64_t fed_discrete_gaussian_draw(const fed_discrete_gaussian_t *gaussian,
                                   const fed_stream_t *stream, uint32_t index);

/** sums[j] += draw number first + j, modulo 2^64, for j = 0 .. count-1. */
void fed_discrete_gaussian_add(const fed_discrete_gaussian_t *gaussian, const fed_stream_t *stream,
                               size_t first, size_t count, int64_t *sums);

#endif
