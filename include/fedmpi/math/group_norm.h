/* Group normalisation of images [pixels][channels]; Wu and He 2018, equations 1 to 3. */
#ifndef FEDMPI_MATH_GROUP_NORM_H
#define FEDMPI_MATH_GROUP_NORM_H

#include <stddef.h>

typedef struct fed_group_norm {
    size_t pixels, channels;
    size_t groups; /**< divides channels; a group is channels / groups neighbours */
} fed_group_norm_t;

/** Doubles of working memory that each function below needs. */
size_t fed_group_norm_memory(const fed_group_norm_t *norm);

/** y = weight (x - mean) / sqrt(variance + 1e-5) + bias, mean and variance (divided by the
 * count) over the pixels and channels of a group, in double.
 *
 * @param x       [in]  [batch][pixels][channels]
 * @param weight  [in]  [channels], @param bias [in] [channels]
 * @param y       [out] as x
 * @param memory  [out] [fed_group_norm_memory()]
 */
void fed_group_norm_forward(const fed_group_norm_t *norm, size_t batch, const float *x,
                            const float *weight, const float *bias, float *y, double *memory);

/** Derivatives by x, weight and bias.
 *
 * @param dy       [in]  derivative by the outputs, as x
 * @param gate     [in]  x where it came out of a ReLU: dx is 0 where x <= 0; else NULL
 * @param dx       [out] as x, or NULL
 * @param dweight  [out] [channels], @param dbias [out] [channels]
 */
void fed_group_norm_backward(const fed_group_norm_t *norm, size_t batch, const float *x,
                             const float *dy, const float *weight, const float *gate, float *dx,
                             float *dweight, float *dbias, double *memory);

/** squared[s] += the squared L2 norm of sample s's share of the derivatives by weight and bias.
 *
 * @param x         [in]     [batch][pixels][channels]
 * @param dy        [in]     derivative by the outputs, as x
 * @param weight    [in]     [channels]
 * @param gradient  [out]    [2][channels]
 * @param squared   [in,out] [batch]
 * @param memory    [out]    [fed_group_norm_memory()]
 */
void fed_group_norm_squared_norms(const fed_group_norm_t *norm, size_t batch, const float *x,
                                  const float *dy, const float *weight, float *gradient,
                                  double *squared, double *memory);

#endif
