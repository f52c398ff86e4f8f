/* Softmax and cross-entropy: the loss of a classifier. */
#ifndef FEDMPI_MATH_SOFTMAX_H
#define FEDMPI_MATH_SOFTMAX_H

#include <stddef.h>
#include <stdint.h>

/** Loss, its derivative and the right answers of one batch.
 *
 * A sample is right if its label's logit is the first of the largest. Exponentials
 * are good to 2 ulp; logits may be of any size. A NaN among a sample's logits
 * makes its loss and derivatives NaN, and the sample wrong.
 *
 * @param logits     [in]  [batch][classes]
 * @param labels     [in]  [batch], each 0 <= label < classes
 * @param dlogits    [out] derivative of the batch's mean loss, [batch][classes], or NULL;
 *                   may be logits itself
 * @param loss_sum   [in,out] the batch's losses in nats are added
 * @param correct    [in,out] the number of right answers is added
 */
void fed_softmax_cross_entropy(size_t batch, size_t classes, const float *logits,
                               const int32_t *labels, float *dlogits, double *loss_sum,
                               int64_t *correct);

#endif
