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

#include "fedmpi/math/sgd.h"

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

/** One step of SGD with the gradients x^T dy (weights) and sum(dy) (bias).
 *
 * The gradient never leaves the cache: a block of it is summed and applied.
 *
 * @param x   [in]     [batch][inputs]
 * @param dy  [in]     [batch][outputs]
 * @param w   [in,out] weights, [inputs][outputs]
 * @param v   [in,out] their momentum, same shape
 * @param b   [in,out] bias, [outputs]
 * @param vb  [in,out] its momentum, [outputs]
 */
void fed_dense_backward_weights(size_t batch, size_t inputs, size_t outputs, const float *x,
                                const float *dy, const fed_sgd_t *sgd, float *w, float *v, float *b,
                                float *vb);

#endif
