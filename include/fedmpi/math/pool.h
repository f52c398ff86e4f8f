/* 2 x 2 maxima of images [height][width][channels]. */
#ifndef FEDMPI_MATH_POOL_H
#define FEDMPI_MATH_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** y = the maximum of each 2 x 2 pixels, and max(0, y) if relu; as torch.nn.MaxPool2d(2).
 *
 * An odd last row or column is left out. Of equal values the first in the order of rows
 * wins. A NaN is larger than all numbers.
 *
 * @param x      [in]  [batch][height][width][channels]
 * @param y      [out] [batch][height/2][width/2][channels]
 * @param which  [out] as y: 2 * row + column of the pixel that won
 */
void fed_max_pool(size_t batch, size_t height, size_t width, size_t channels, const float *x,
                  bool relu, float *y, uint8_t *which);

/** dx = dy at the pixel that won, and 0 elsewhere.
 *
 * @param x   [in]  as above where x came out of a ReLU: dx is 0 where x <= 0; else NULL
 * @param dx  [out] as x
 */
void fed_max_pool_backward(size_t batch, size_t height, size_t width, size_t channels,
                           const float *dy, const uint8_t *which, const float *x, float *dx);

#endif
