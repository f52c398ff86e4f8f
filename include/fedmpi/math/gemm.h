/* Dense layers by OpenBLAS, and whose products a layer uses.
 *
 * Our kernels (fedmpi/math/dense.h) skip zeros and are made for small batches and layers
 * that stay in the caches; OpenBLAS multiplies everything, close to the peak of whatever
 * processor it is on once matrices are large. Its sums have an order of its own, which may
 * differ from one kind of processor to another (fed_blas_description names the kernels that
 * it chose) and, within a product, with the number of samples. The same product on the same
 * kernels has the same bits at any address and on any rank: each uses one thread.
 */
#ifndef FEDMPI_MATH_GEMM_H
#define FEDMPI_MATH_GEMM_H

#include "fedmpi/math/sink.h"

#include <stdbool.h>
#include <stddef.h>

/** In the order of the words that model.gemm takes. */
typedef enum fed_gemm {
    FED_GEMM_AUTO,    /**< whichever was found faster for the shape and these kernels */
    FED_GEMM_OWN,     /**< ours */
    FED_GEMM_OPENBLAS /**< OpenBLAS's */
} fed_gemm_t;

/** The products of a dense layer. */
typedef enum fed_product_kind {
    FED_PRODUCT_FORWARD,
    FED_PRODUCT_BACKWARD_INPUT,
    FED_PRODUCT_BACKWARD_WEIGHTS,
    FED_PRODUCT_KINDS
} fed_product_kind_t;

/** Is this product OpenBLAS's? A function of the arguments and of the chosen kernels alone. */
bool fed_gemm_is_openblas(fed_gemm_t gemm, fed_product_kind_t kind, size_t batch, size_t inputs,
                          size_t outputs);

/** As fed_dense_forward, but that 0 times a weight that is not finite is NaN. */
void fed_gemm_forward(size_t batch, size_t inputs, size_t outputs, const float *x, const float *w,
                      const float *bias, bool relu, float *y);

/** As fed_dense_backward_input, with the same exception. */
void fed_gemm_backward_input(size_t batch, size_t inputs, size_t outputs, const float *dy,
                             const float *w, const float *x, float *dx);

/** Numbers of working memory for fed_gemm_backward_weights. */
size_t fed_gemm_memory(size_t inputs, size_t outputs);

/** As fed_dense_backward_weights.
 * @param memory  [out] [fed_gemm_memory()] */
void fed_gemm_backward_weights(size_t batch, size_t inputs, size_t outputs, const float *x,
                               const float *dy, const fed_sink_t *weights, const fed_sink_t *bias,
                               float *memory);

#endif
