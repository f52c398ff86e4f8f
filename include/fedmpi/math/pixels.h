/* Batches out of a data set that is kept as bytes. */
#ifndef FEDMPI_MATH_PIXELS_H
#define FEDMPI_MATH_PIXELS_H

#include <stddef.h>
#include <stdint.h>

/** x[s][j] = pixels[index[s]][j] * scale + offset.
 *
 * @param pixels  [in]  [rows][inputs]
 * @param index   [in]  the batch's rows, [batch]; NULL: the first `batch` rows
 * @param x       [out] [batch][inputs]
 */
void fed_pixels_gather(size_t batch, size_t inputs, const uint8_t *pixels, const uint32_t *index,
                       float scale, float offset, float *x);

#endif
