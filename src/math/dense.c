#include "fedmpi/math/dense.h"

#include "simd/kernels.h"

#include "fedmpi/math/norm.h"

void fed_dense_forward(size_t batch, size_t inputs, size_t outputs, const float *x, const float *w,
                       const float *bias, bool relu, float *y) {
    fed_simd_kernels()->product(&(fed_product_t){.batch = batch,
                                                 .inner = inputs,
                                                 .outer = outputs,
                                                 .x = x,
                                                 .w = w,
                                                 .bias = bias,
                                                 .relu = relu,
                                                 .y = y});
}

void fed_dense_backward_input(size_t batch, size_t inputs, size_t outputs, const float *dy,
                              const float *w, const float *x, float *dx) {
    fed_simd_kernels()->product(&(fed_product_t){.batch = batch,
                                                 .inner = outputs,
                                                 .outer = inputs,
                                                 .x = dy,
                                                 .w = w,
                                                 .transposed = true,
                                                 .gate = x,
                                                 .y = dx});
}

void fed_dense_backward_weights(size_t batch, size_t inputs, size_t outputs, const float *x,
                                const float *dy, const fed_sink_t *weights,
                                const fed_sink_t *bias) {
    fed_simd_kernels()->descent(&(fed_descent_t){.batch = batch,
                                                 .inputs = inputs,
                                                 .outputs = outputs,
                                                 .x = x,
                                                 .dy = dy,
                                                 .weights = weights,
                                                 .bias = bias});
}

void fed_dense_squared_norms(size_t batch, size_t inputs, size_t outputs, const float *x,
                             const float *dy, double *squared) {
    for (size_t s = 0; s < batch; s++)
        squared[s] += (fed_squared_norm(inputs, x + s * inputs) + 1) *
                      fed_squared_norm(outputs, dy + s * outputs);
}
