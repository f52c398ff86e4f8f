/* What one step of stochastic gradient descent does to a parameter.
 *
 * With the gradient g of the mini-batch's mean loss, PyTorch's torch.optim.SGD
 * (dampening 0):
 *
 *     v = momentum * v + g + weight_decay * w
 *     w = w - learning_rate * (nesterov ? g + weight_decay * w + momentum * v : v)
 */
#ifndef FEDMPI_MATH_SGD_H
#define FEDMPI_MATH_SGD_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    float learning_rate;
    float momentum;
    float weight_decay;
    bool nesterov;
} fed_sgd_t;

/** Apply one step to parameters whose gradient is known.
 *
 * Local. Element by element, so the same bits for any split of a vector.
 *
 * @param n    parameters
 * @param sgd  the step
 * @param g    [in]     gradient, [n]
 * @param v    [in,out] momentum, [n]
 * @param w    [in,out] parameters, [n]
 */
void fed_sgd_step(size_t n, const fed_sgd_t *sgd, const float *g, float *v, float *w);

#endif
