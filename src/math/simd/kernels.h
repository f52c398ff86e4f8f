/* The functions that are compiled once for each instruction set.
 *
 * Each file of this folder is compiled several times, with other -march flags and
 * FED_SIMD set to avx512, avx2 or plain. FED_SIMD_NAME gives each copy's
 * functions their own names, and the copy's table lists them.
 */
#ifndef FEDMPI_MATH_SIMD_KERNELS_H
#define FEDMPI_MATH_SIMD_KERNELS_H

#include "combine.h"

#include "fedmpi/math/adam.h"
#include "fedmpi/math/group_norm.h"
#include "fedmpi/math/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Samples are taken in groups of so many that one word says which of them have a
 * non-zero entry in a column. */
enum { FED_GROUP = 32 };

/* y = x w, skipping zeros of x: forward, and backward to a layer's inputs. */
typedef struct {
    size_t batch, inner, outer;
    const float *x; /* [batch][inner] */
    const float *w; /* [inner][outer], or [outer][inner] if transposed */
    bool transposed;
    const float *bias; /* [outer], or NULL */
    bool relu;
    const float *gate;       /* [batch][outer], or NULL: y is 0 where gate <= 0 */
    float *y;                /* [batch][outer] */
    const uint32_t *columns; /* fed_kernels_t.scan of x where most of it is zero, or NULL */
} fed_product_t;

/* The gradient x^T dy of weights, and its column sums for the bias. */
typedef struct {
    size_t batch, inputs, outputs;
    const float *x;            /* [batch][inputs] */
    const float *dy;           /* [batch][outputs] */
    const uint32_t *columns;   /* fed_kernels_t.scan of x, or NULL */
    bool skip_rows;            /* hand over no row whose input is zero in all x */
    const fed_sink_t *weights; /* for [inputs][outputs] */
    const fed_sink_t *bias;    /* for [outputs] */
} fed_descent_t;

/* Bit s of columns[g][i] is set where x[32 * g + s][i] is not zero. */
typedef void fed_scan_fn(size_t batch, size_t inputs, const float *x, uint32_t *columns);
typedef void fed_product_fn(const fed_product_t *product);
typedef void fed_descent_fn(const fed_descent_t *descent);
typedef void fed_sgd_step_fn(size_t n, const fed_sgd_t *sgd, const float *g, float *v, float *w);
typedef void fed_adam_step_fn(size_t n, const fed_adam_t *adam, const float *g, float *m, float *v,
                              float *w);
typedef void fed_sink_take_fn(const fed_sink_t *sink, size_t n, const float *g);
/* As fed_sink_take of zeros, `steps` times. */
typedef void fed_sink_coast_fn(const fed_sink_t *sink, size_t n, uint64_t steps);
/* These are the public functions of the same names. */
typedef void fed_softmax_cross_entropy_fn(size_t batch, size_t classes, const float *logits,
                                          const int32_t *labels, float *dlogits, double *loss_sum,
                                          int64_t *correct);
typedef bool fed_fixed_accumulate_fn(size_t n, const float *w_local, const float *w_global,
                                     double weight, int64_t *acc, double *squared_norm);
typedef void fed_fixed_decode_fn(size_t n, const int64_t *acc, float *out);
typedef void fed_fixed_decode_double_fn(size_t n, const int64_t *acc, double *out);
typedef void fed_pixels_gather_fn(size_t batch, size_t inputs, const uint8_t *pixels,
                                  const uint32_t *index, float scale, float offset, float *x);

typedef void fed_max_pool_fn(size_t batch, size_t height, size_t width, size_t channels,
                             const float *x, bool relu, float *y, uint8_t *which);
typedef void fed_max_pool_backward_fn(size_t batch, size_t height, size_t width, size_t channels,
                                      const float *dy, const uint8_t *which, const float *x,
                                      float *dx);
typedef void fed_group_norm_forward_fn(const fed_group_norm_t *norm, size_t batch, const float *x,
                                       const float *weight, const float *bias, float *y,
                                       double *memory);
typedef void fed_group_norm_backward_fn(const fed_group_norm_t *norm, size_t batch, const float *x,
                                        const float *dy, const float *weight, const float *gate,
                                        float *dx, float *dweight, float *dbias, double *memory);

typedef void fed_combine_fn(const fed_combine_t *combine);
/* For each 32 channels, for each pixel, the list of its non-zero channels; a channel c
 * names the row at c * row_floats. begin: [ceil(depth / 32) * pixels + 1], one list's end
 * is the next one's begin; entries: room for [pixels * depth]. */
typedef void fed_list_by_pixel_fn(const fed_plane_t *plane, size_t row_floats, uint32_t *begin,
                                  fed_entry_t *entries);
/* For each channel the list of its non-zero pixels; the pixel (y, x) names the row at
 * y * stride_y + x * stride_x. begin, end: [depth]; entries: [depth][list_capacity]. */
typedef void fed_list_by_channel_fn(const fed_plane_t *plane, size_t stride_y, size_t stride_x,
                                    size_t list_capacity, uint32_t *begin, uint32_t *end,
                                    fed_entry_t *entries);

/* clang-format off */
#define FED_KERNELS(F) \
    F(scan) \
    F(product) \
    F(descent) \
    F(sgd_step) \
    F(adam_step) \
    F(sink_take) \
    F(sink_coast) \
    F(softmax_cross_entropy) \
    F(fixed_accumulate) \
    F(fixed_decode) \
    F(fixed_decode_double) \
    F(pixels_gather) \
    F(max_pool) \
    F(max_pool_backward) \
    F(group_norm_forward) \
    F(group_norm_backward) \
    F(combine) \
    F(list_by_pixel) \
    F(list_by_channel)
/* clang-format on */

typedef struct {
    const char *name;
    bool fused; /* multiply-adds round once, as compiled for this copy's processors */
#define FED_KERNEL_MEMBER(kernel) fed_##kernel##_fn *kernel;
    FED_KERNELS(FED_KERNEL_MEMBER)
} fed_kernels_t;

/** The kernels of this process; the first call chooses them. */
const fed_kernels_t *fed_simd_kernels(void);

extern const fed_kernels_t fed_kernels_plain;
#ifdef __x86_64__
extern const fed_kernels_t fed_kernels_avx2, fed_kernels_avx512;
#endif

#define FED_SIMD_PASTE_(name, simd) fed_##name##_##simd
#define FED_SIMD_PASTE(name, simd) FED_SIMD_PASTE_(name, simd)
#define FED_SIMD_NAME(name) FED_SIMD_PASTE(name, FED_SIMD)

#ifdef FED_SIMD
#define FED_KERNEL_DECLARE(kernel) fed_##kernel##_fn FED_SIMD_NAME(kernel);
FED_KERNELS(FED_KERNEL_DECLARE)
#endif

#endif
