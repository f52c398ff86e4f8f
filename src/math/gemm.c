/* Dense layers by OpenBLAS, and the choice between its products and ours. */
#include "fedmpi/math/gemm.h"

#include "fedmpi/math/simd.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <string.h>

#define BLOCK_ROWS 256 /* of weights whose gradient is handed over at once, from the caches */

/* Multiply-adds of a product from which on OpenBLAS is the faster one, as `make bench` finds
 * with factors that are half zero, which our kernels skip.
 *
 * With AVX2 (Zen 2 core, OpenBLAS 0.3.21) ours take 0.5 to 1.1 of its time below, in the
 * layers that the studies train; from 2^27 on (2048 x 2048 with 32 samples, 1024 x 1024 with
 * 128) they take 1.3 to 1.9 of it forward and for gradients of weights, whose rows come from
 * memory. Derivatives by inputs stay ours (0.8 to 1.1).
 *
 * With AVX-512 (Zen 4, OpenBLAS's Cooperlake) it wins there too: from 2^27 on ours take 0.9 to 1.4
 * of its time, 1.1 to 1.7 where no factor is zero; docs/benchmarks.md has the figures.
 *
 * Plain kernels meet it earlier: against OpenBLAS's for SSE (Nehalem) at 2^22 multiply-adds,
 * in all three products; where it knows the processor better, its lead is larger. */
#define OPENBLAS_FROM_VECTOR ((size_t)1 << 27)
#define OPENBLAS_FROM_PLAIN ((size_t)1 << 22)

bool fed_gemm_is_openblas(fed_gemm_t gemm, fed_product_kind_t kind, size_t batch, size_t inputs,
                          size_t outputs) {
    size_t multiply_adds = batch * inputs * outputs;
    if (gemm != FED_GEMM_AUTO)
        return gemm == FED_GEMM_OPENBLAS;
    if (fed_simd_is_plain())
        return multiply_adds >= OPENBLAS_FROM_PLAIN;
    if (kind == FED_PRODUCT_BACKWARD_INPUT && !fed_simd_is_avx512())
        return false;
    return multiply_adds >= OPENBLAS_FROM_VECTOR;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static blasint size(size_t count) {
    assert(count <= INT_MAX);
    return (blasint)count;
}

/* The distance of a matrix's rows: BLAS refuses 0, also where there are none. */
static blasint stride(size_t columns) {
    return columns > 0 ? size(columns) : 1;
}

void fed_gemm_forward(size_t batch, size_t inputs, size_t outputs, const float *x, const float *w,
                      const float *bias, bool relu, float *y) {
    for (size_t s = 0; s < batch; s++)
        memcpy(y + s * outputs, bias, outputs * sizeof *y);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size(batch), size(outputs), size(inputs),
                1, x, stride(inputs), w, stride(outputs), 1, y, stride(outputs));
    for (size_t j = 0; relu && j < batch * outputs; j++)
        y[j] = y[j] < 0.0f ? 0.0f : y[j];
}

void fed_gemm_backward_input(size_t batch, size_t inputs, size_t outputs, const float *dy,
                             const float *w, const float *x, float *dx) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size(batch), size(inputs), size(outputs),
                1, dy, stride(outputs), w, stride(outputs), 0, dx, stride(inputs));
    for (size_t j = 0; x && j < batch * inputs; j++)
        dx[j] = x[j] <= 0.0f ? 0.0f : dx[j];
}

size_t fed_gemm_memory(size_t inputs, size_t outputs) {
    return (inputs < 1 ? 1 : smaller(inputs, BLOCK_ROWS)) * outputs;
}

static void sum_rows(size_t batch, size_t outputs, const float *restrict dy, float *restrict sums) {
    memset(sums, 0, outputs * sizeof *sums);
    for (size_t s = 0; s < batch; s++)
        for (size_t j = 0; j < outputs; j++)
            sums[j] += dy[s * outputs + j];
}

void fed_gemm_backward_weights(size_t batch, size_t inputs, size_t outputs, const float *x,
                               const float *dy, const fed_sink_t *weights, const fed_sink_t *bias,
                               float *memory) {
    for (size_t row = 0, rows; row < inputs; row += rows) {
        rows = smaller(BLOCK_ROWS, inputs - row);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, size(rows), size(outputs), size(batch),
                    1, x + row, stride(inputs), dy, stride(outputs), 0, memory, stride(outputs));
        fed_sink_t block = fed_sink_at(weights, row * outputs);
        fed_sink_take(&block, rows * outputs, memory);
    }
    sum_rows(batch, outputs, dy, memory);
    fed_sink_take(bias, outputs, memory);
}
