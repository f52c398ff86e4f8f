/* What one step of Adam does to a parameter: Kingma and Ba 2015, Algorithm 1, and with decay
 * beside it Loshchilov and Hutter 2019, Algorithm 2. With the gradient g of the mini-batch's mean
 * loss, and m and v zero before the first step:
 *
 *     g = g + decay * w
 *     m = beta1 * m + fresh1 * g
 *     v = beta2 * v + fresh2 * g * g
 *     w = keep * w - rate * m / (root * sqrt(v) + epsilon)
 */
#ifndef FEDMPI_MATH_ADAM_H
#define FEDMPI_MATH_ADAM_H

#include <stddef.h>

typedef struct fed_adam {
    float beta1, fresh1; /**< of the gradient's mean; fresh1 = 1 - beta1 */
    float beta2, fresh2; /**< of the mean of its square; fresh2 = 1 - beta2 */
    float rate;          /**< learning rate / (1 - beta1^t) in step t, from 1 */
    float root;          /**< 1 / sqrt(1 - beta2^t) */
    float epsilon;
    float decay; /**< weight decay in the gradient; 0: none */
    float keep;  /**< 1 - learning rate * weight decay beside it; 1: none */
} fed_adam_t;

/** Apply one step to parameters whose gradient is known.
 *
 * Local. Element by element, and no product is fused with a sum: the same bits for any split of a
 * vector and on any processor.
 *
 * @param n     parameters
 * @param adam  the step
 * @param g     [in]     gradient, [n]
 * @param m     [in,out] mean of the gradient, [n]
 * @param v     [in,out] mean of its square, [n]
 * @param w     [in,out] parameters, [n]
 */
void fed_adam_step(size_t n, const fed_adam_t *adam, const float *g, float *m, float *v, float *w);

#endif
