/* Convolutions: forward, backward and update.
 *
 * Images are [height][width][channels], channels last, and weights are stored
 * [kernel][kernel][channels][outputs]: what one pixel does to the row of pixels
 * around it is then one contiguous run of numbers. As in the dense layers zeros are
 * skipped, not multiplied: of the derivatives that come back through a 2 x 2 maximum
 * three quarters are zero, and through a ReLU half of the rest.
 *
 * Square kernels with steps of one pixel; cross-correlation, as torch.nn.Conv2d. Each
 * sum takes its terms in a fixed order, one fused multiply-add each: the result
 * depends neither on the other samples of the batch, nor on alignment, nor on how many
 * zeros were skipped.
 */
#ifndef FEDMPI_MATH_CONV_H
#define FEDMPI_MATH_CONV_H

#include "fedmpi/math/sink.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct fed_conv_shape {
    size_t channels, height, width; /**< of the input */
    size_t outputs;                 /**< channels of the output */
    size_t kernel;                  /**< height and width of the weights' window */
    size_t padding;                 /**< rows and columns of zeros around; less than kernel */
} fed_conv_shape_t;

/** Height or width of the output for an input of that size. */
size_t fed_conv_output_size(const fed_conv_shape_t *shape, size_t input_size);

/** Working memory of one layer; it keeps nothing from one call to the next. */
typedef struct fed_conv fed_conv_t;
fed_conv_t *fed_conv_create(const fed_conv_shape_t *shape);
void fed_conv_destroy(fed_conv_t *conv);

/** Bytes that fed_conv_create takes. */
size_t fed_conv_bytes(const fed_conv_shape_t *shape);

/** y = x * w + bias, and max(0, y) if relu. NaNs pass through the ReLU.
 *
 * @param x     [in]  [batch][height][width][channels]
 * @param w     [in]  [kernel][kernel][channels][outputs]
 * @param bias  [in]  [outputs]
 * @param y     [out] [batch][output height][output width][outputs]
 */
void fed_conv_forward(fed_conv_t *conv, size_t batch, const float *x, const float *w,
                      const float *bias, bool relu, float *y);

/** The loss's derivative by the layer's inputs.
 *
 * @param dy  [in]  derivative by the outputs, as y
 * @param x   [in]  as in _forward where x came out of a ReLU: dx is 0 where x <= 0;
 *                  else NULL
 * @param dx  [out] as x
 */
void fed_conv_backward_input(fed_conv_t *conv, size_t batch, const float *dy, const float *w,
                             const float *x, float *dx);

/** The gradients of weights and bias.
 *
 * @param x        [in] as in _forward
 * @param dy       [in] derivative by the outputs, as y
 * @param weights  takes the gradient of w, as w
 * @param bias     takes the gradient of the bias, [outputs]
 */
void fed_conv_backward_weights(fed_conv_t *conv, size_t batch, const float *x, const float *dy,
                               const fed_sink_t *weights, const fed_sink_t *bias);

/** squared[s] += the squared L2 norm of sample s's share of both gradients, one sample after the
 * other; takes about as long as _backward_weights.
 *
 * @param x        [in]     as in _forward
 * @param dy       [in]     derivative by the outputs, as y
 * @param squared  [in,out] [batch]
 */
void fed_conv_squared_norms(fed_conv_t *conv, size_t batch, const float *x, const float *dy,
                            double *squared);

#endif
