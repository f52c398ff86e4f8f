/* Fully connected layers: forward, backward and update.
 *
 * y = x w + bias with w stored [inputs][outputs], row-major and unpadded inside
 * the model's flat parameter vector. No argument needs an alignment.
 *
 * Zeros of x (and of dy in _backward_input) are skipped, not multiplied: after a
 * ReLU half of a layer's inputs are zero, and four fifths of MNIST's pixels. Each
 * sum takes its terms in ascending order, one fused multiply-add each, so the
 * result depends neither on the other samples of the batch, nor on alignment,
 * nor on how many zeros were skipped (as long as the other factor is finite).
 */
#ifndef FEDMPI_MATH_DENSE_H
#define FEDMPI_MATH_DENSE_H

#include "fedmpi/math/sink.h"

#include <stdbool.h>
#include <stddef.h>

/** y = x w + bias, and max(0, y) if relu. NaNs pass through the ReLU.
 *
 * @param x     [in]  [batch][inputs]
 * @param w     [in]  [inputs][outputs]
 * @param bias  [in]  [outputs]
 * @param y     [out] [batch][outputs]
 */
void fed_dense_forward(size_t batch, size_t inputs, size_t outputs, const float *x, const float *w,
                       const float *bias, bool relu, float *y);

/** dx = dy w^T, the loss's derivative by the layer's inputs.
 *
 * @param dy  [in]  derivative by the outputs, [batch][outputs]
 * @param w   [in]  [inputs][outputs]
 * @param x   [in]  [batch][inputs] where x came out of a ReLU: dx is 0 where
 *            x <= 0, which is the ReLU's own backward pass; else NULL
 * @param dx  [out] [batch][inputs]
 */
void fed_dense_backward_input(size_t batch, size_t inputs, size_t outputs, const float *dy,
                              const float *w, const float *x, float *dx);

/** The gradients x^T dy (weights) and sum(dy) (bias).
 *
 * A gradient never leaves the cache: a block of it is summed and handed to its sink.
 *
 * @param x        [in] [batch][inputs]
 * @param dy       [in] [batch][outputs]
 * @param weights  takes the gradient of w, [inputs][outputs]
 * @param bias     takes the gradient of the bias, [outputs]
 */
void fed_dense_backward_weights(size_t batch, size_t inputs, size_t outputs, const float *x,
                                const float *dy, const fed_sink_t *weights, const fed_sink_t *bias);

/** squared[s] += the squared L2 norm of sample s's share of both gradients, which is
 * (|x|^2 + 1) |dy|^2 of its rows: Goodfellow 2015.
 *
 * @param x        [in]     [batch][inputs]
 * @param dy       [in]     [batch][outputs]
 * @param squared  [in,out] [batch]
 */
void fed_dense_squared_norms(size_t batch, size_t inputs, size_t outputs, const float *x,
                             const float *dy, double *squared);

#endif
