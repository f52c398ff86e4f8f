/** L2 norms, summed up in double; the order of summation is part of the result. */
#ifndef FEDMPI_MATH_NORM_H
#define FEDMPI_MATH_NORM_H

#include <stddef.h>

/** Of [n] floats, in sixteen independent sums: the one for every step of training. */
double fed_norm(size_t n, const float *x);

/** Its square, before the root. */
double fed_squared_norm(size_t n, const float *x);

/** Of [n] doubles, number by number. */
double fed_norm_double(size_t n, const double *x);

/** Of to - from, [n], number by number. */
double fed_norm_difference(size_t n, const float *to, const float *from);

#endif
