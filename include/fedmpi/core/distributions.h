/** Draws from distributions, as pure functions of a stream and an index.
 *
 * As in random.h, nothing depends on what was drawn before. Every draw is made of
 * whole Philox blocks of its own.
 */
#ifndef FEDMPI_CORE_DISTRIBUTIONS_H
#define FEDMPI_CORE_DISTRIBUTIONS_H

#include "fedmpi/core/random.h"

/** Standard normal numbers (Box and Muller 1958): numbers 2j and 2j + 1 come from the
 * stream's index first + j.
 * @param values  [out] [count] */
void fed_random_normals(const fed_stream_t *stream, uint32_t first, size_t count, double *values);

/** One standard normal number: the first that fed_random_normals gives at this index. */
double fed_random_normal(const fed_stream_t *stream, uint32_t index);

/** Logarithm of a draw from Gamma(shape, 1), shape > 0 (Marsaglia and Tsang 2000).
 * The logarithm stays finite where a tiny shape makes the draw itself underflow.
 * Attempts count up the stream's `when`: leave it 0 and without another meaning. */
double fed_random_log_gamma(const fed_stream_t *stream, uint32_t index, double shape);

/** A draw from Dirichlet(concentration): positive numbers with sum 1, up to rounding.
 * Uses the indices first .. first+count-1 as fed_random_log_gamma does.
 * @param concentration  [in]  [count], each > 0
 * @param p              [out] [count] */
void fed_random_dirichlet(const fed_stream_t *stream, uint32_t first, size_t count,
                          const double *concentration, double *p);

/** exp(values) divided by their sum, in place, safe for any range of values. */
void fed_normalize_logarithms(size_t count, double *values);

#endif
