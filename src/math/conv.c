/* Convolutions as sums of rows.
 *
 * Forward, each value of an input pixel, times the weights that it meets, is added to
 * `kernel` pixels in each of `kernel` rows of outputs. Backward, each derivative of an
 * output pixel is added to the input pixels in the same way. One picture serves both: a
 * source image whose values scatter over a target, which lies in a frame of so many
 * more pixels that no window leaves it. Scattering a value adds `kernel * depth`
 * contiguous numbers of a row of the frame; the gradient of the weights collects the
 * same rows.
 */
#include "fedmpi/math/conv.h"

#include "simd/kernels.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/math/norm.h"

#include <string.h>

enum { FIRST_LEVEL_FLOATS = 4096 };

typedef struct {
    size_t height, width, depth;
} image_t;

/* A source that scatters over a target. */
typedef struct {
    image_t source, target;
    size_t kernel;
    size_t margin;       /* rows above and columns left of the target in its frame */
    size_t frame_row;    /* floats of a row of the frame */
    size_t frame_floats; /* and room for a window's last vector */
    size_t window;       /* kernel * target.depth, rounded up to whole vectors */
    bool forward;        /* windows run against the weights' order */
} pass_t;

struct fed_conv {
    fed_conv_shape_t shape;
    pass_t forward, backward;
    const pass_t *weights; /* whose rows the gradient collects */
    float *frame;
    float *factors;       /* [kernel][source.depth][window]: weights, or their gradient */
    float *gradient;      /* [kernel][kernel][channels][outputs] and [outputs] */
    fed_entry_t *entries; /* of one sample's source */
    uint32_t *begin, *end;
};

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t round_up(size_t count, size_t to) {
    return (count + to - 1) / to * to;
}

size_t fed_conv_output_size(const fed_conv_shape_t *shape, size_t input_size) {
    return input_size + 2 * shape->padding + 1 - shape->kernel;
}

static pass_t pass_from(image_t source, image_t target, size_t kernel, size_t margin,
                        bool forward) {
    size_t row = (source.width + kernel - 1) * target.depth;
    return (pass_t){
        .source = source,
        .target = target,
        .kernel = kernel,
        .margin = margin,
        .frame_row = row,
        .frame_floats = (source.height + kernel - 1) * row + FED_COMBINE_FLOATS,
        .window = round_up(kernel * target.depth, FED_COMBINE_FLOATS),
        .forward = forward,
    };
}

static void plan(fed_conv_t *conv, const fed_conv_shape_t *shape) {
    image_t x = {shape->height, shape->width, shape->channels};
    image_t y = {fed_conv_output_size(shape, x.height), fed_conv_output_size(shape, x.width),
                 shape->outputs};
    size_t kernel = shape->kernel, padding = shape->padding;
    *conv = (fed_conv_t){
        .shape = *shape,
        .forward = pass_from(x, y, kernel, kernel - 1 - padding, true),
        .backward = pass_from(y, x, kernel, padding, false),
    };
    /* Derivatives have more zeros than inputs; but windows of few channels fill no vector. */
    bool narrow = kernel * x.depth < FED_COMBINE_FLOATS;
    conv->weights = narrow ? &conv->forward : &conv->backward;
}

static size_t weight_count(const fed_conv_shape_t *shape) {
    return shape->kernel * shape->kernel * shape->channels * shape->outputs;
}

static size_t factor_count(const pass_t *pass) {
    return pass->kernel * pass->source.depth * pass->window;
}

static size_t entry_count(const pass_t *pass) {
    return pass->source.height * pass->source.width * pass->source.depth;
}

/* Of pixels' lists, or of channels'. */
static size_t list_count(const pass_t *pass) {
    size_t groups = (pass->source.depth + FED_LIST_CHANNELS - 1) / FED_LIST_CHANNELS;
    return larger(groups * pass->source.height * pass->source.width + 1, pass->source.depth);
}

/* Allocate, or only count the bytes. */
static size_t allocate(fed_conv_t *conv, bool only_count) {
    const pass_t *f = &conv->forward, *b = &conv->backward;
    size_t frame = larger(f->frame_floats, b->frame_floats);
    size_t factors = larger(factor_count(f), factor_count(b));
    size_t gradient = weight_count(&conv->shape) + conv->shape.outputs;
    size_t entries = larger(entry_count(f), entry_count(b));
    size_t lists = larger(list_count(f), list_count(b));
    if (!only_count) {
        conv->frame = FED_NEW_ARRAY(float, frame);
        conv->factors = FED_NEW_ARRAY(float, factors);
        conv->gradient = FED_NEW_ARRAY(float, gradient);
        conv->entries = FED_NEW_ARRAY(fed_entry_t, entries);
        conv->begin = FED_NEW_ARRAY(uint32_t, lists);
        conv->end = FED_NEW_ARRAY(uint32_t, lists);
    }
    return (frame + factors + gradient) * sizeof(float) + entries * sizeof(fed_entry_t) +
           2 * lists * sizeof(uint32_t);
}

fed_conv_t *fed_conv_create(const fed_conv_shape_t *shape) {
    fed_conv_t *conv = FED_NEW(fed_conv_t);
    plan(conv, shape);
    allocate(conv, false);
    return conv;
}

void fed_conv_destroy(fed_conv_t *conv) {
    if (!conv)
        return;
    fed_free(conv->frame);
    fed_free(conv->factors);
    fed_free(conv->gradient);
    fed_free(conv->entries);
    fed_free(conv->begin);
    fed_free(conv->end);
    fed_free(conv);
}

size_t fed_conv_bytes(const fed_conv_shape_t *shape) {
    fed_conv_t conv;
    plan(&conv, shape);
    return sizeof conv + allocate(&conv, true);
}

/* The weights of source channel s and window row ky, column kx: where those of target
 * channel 0 are, and how far apart the target channels' are. */
static size_t weight_at(const pass_t *pass, size_t ky, size_t kx, size_t s, size_t *stride) {
    size_t k = pass->kernel;
    *stride = pass->forward ? 1 : pass->source.depth;
    if (pass->forward)
        return (((k - 1 - ky) * k + k - 1 - kx) * pass->source.depth + s) * pass->target.depth;
    return (ky * k + kx) * pass->target.depth * pass->source.depth + s;
}

/* factors[ky][s][kx][t] from the weights, and 0 in the rest of a window. */
static void pack_weights(const pass_t *pass, const float *w, float *factors) {
    size_t k = pass->kernel, depth = pass->target.depth;
    for (size_t ky = 0; ky < k; ky++)
        for (size_t s = 0; s < pass->source.depth; s++, factors += pass->window) {
            for (size_t kx = 0; kx < k; kx++) {
                size_t stride, at = weight_at(pass, ky, kx, s, &stride);
                for (size_t t = 0; t < depth; t++)
                    factors[kx * depth + t] = w[at + t * stride];
            }
            for (size_t t = k * depth; t < pass->window; t++)
                factors[t] = 0.0f;
        }
}

/* The gradient from factors[ky][s][kx][t]. */
static void unpack_gradient(const pass_t *pass, const float *factors, float *gradient) {
    size_t k = pass->kernel, depth = pass->target.depth;
    for (size_t ky = 0; ky < k; ky++)
        for (size_t s = 0; s < pass->source.depth; s++, factors += pass->window)
            for (size_t kx = 0; kx < k; kx++) {
                size_t stride, at = weight_at(pass, ky, kx, s, &stride);
                for (size_t t = 0; t < depth; t++)
                    gradient[at + t * stride] = factors[kx * depth + t];
            }
}

static fed_plane_t plane_of(image_t image, const float *values) {
    return (fed_plane_t){image.height, image.width, image.depth, values};
}

/* A window in slabs that leave room for the factors of a list in the first-level cache. */
static size_t slab_at(size_t first, size_t window) {
    size_t parts = (window - first + FED_COMBINE_MAX - 1) / FED_COMBINE_MAX;
    return round_up((window - first + parts - 1) / parts, FED_COMBINE_FLOATS);
}

/* Add what one row of windows, ky, of a slab adds to the frame. */
static void scatter_row(const fed_conv_t *conv, const pass_t *pass, size_t ky, size_t first,
                        size_t width) {
    image_t source = pass->source;
    size_t top = pass->margin, bottom = pass->margin + pass->target.height;
    size_t lowest = top > ky ? top - ky : 0; /* rows that meet the target */
    size_t behind = bottom > ky ? smaller(bottom - ky, source.height) : 0;
    for (size_t s = 0; s < source.depth && lowest < behind; s += FED_LIST_CHANNELS) {
        size_t list = (s / FED_LIST_CHANNELS * source.height + lowest) * source.width;
        fed_simd_kernels()->combine(&(fed_combine_t){
            .count_r = behind - lowest,
            .count_i = source.width,
            .begin = conv->begin + list,
            .end = conv->begin + list + 1,
            .entries = conv->entries,
            .rows = conv->factors + ky * source.depth * pass->window + first,
            .sums = conv->frame + (lowest + ky) * pass->frame_row + first,
            .stride_r = pass->frame_row,
            .stride_i = pass->target.depth,
            .full = smaller(source.depth - s, FED_LIST_CHANNELS),
            .width = width,
        });
    }
}

/* frame += the source of one sample, scattered. */
static void scatter(const fed_conv_t *conv, const pass_t *pass, const float *source) {
    fed_plane_t plane = plane_of(pass->source, source);
    fed_simd_kernels()->list_by_pixel(&plane, pass->window, conv->begin, conv->entries);
    for (size_t ky = 0; ky < pass->kernel; ky++)
        for (size_t first = 0, width; first < pass->window; first += width) {
            width = slab_at(first, pass->window);
            scatter_row(conv, pass, ky, first, width);
        }
}

static float *target_row(const fed_conv_t *conv, const pass_t *pass, size_t y) {
    return conv->frame + (pass->margin + y) * pass->frame_row + pass->margin * pass->target.depth;
}

/* All pixels of the target are the bias, or zero without one. What lies around it in
 * the frame is never read. */
static void start_target(const fed_conv_t *conv, const pass_t *pass, const float *bias) {
    size_t depth = pass->target.depth, width = pass->target.width;
    for (size_t y = 0; y < pass->target.height; y++) {
        float *row = target_row(conv, pass, y);
        memset(row, 0, width * depth * sizeof *row);
        for (size_t x = 0; bias && x < width; x++)
            memcpy(row + x * depth, bias, depth * sizeof *bias);
    }
}

void fed_conv_forward(fed_conv_t *conv, size_t batch, const float *x, const float *w,
                      const float *bias, bool relu, float *y) {
    const pass_t *pass = &conv->forward;
    size_t row = pass->target.width * pass->target.depth;
    pack_weights(pass, w, conv->factors);
    for (size_t s = 0; s < batch; s++, x += entry_count(pass)) {
        start_target(conv, pass, bias);
        scatter(conv, pass, x);
        for (size_t r = 0; r < pass->target.height; r++, y += row) {
            const float *restrict from = target_row(conv, pass, r);
            for (size_t j = 0; j < row; j++)
                y[j] = relu && from[j] < 0.0f ? 0.0f : from[j];
        }
    }
}

void fed_conv_backward_input(fed_conv_t *conv, size_t batch, const float *dy, const float *w,
                             const float *x, float *dx) {
    const pass_t *pass = &conv->backward;
    size_t row = pass->target.width * pass->target.depth;
    pack_weights(pass, w, conv->factors);
    for (size_t s = 0; s < batch; s++, dy += entry_count(pass)) {
        start_target(conv, pass, NULL);
        scatter(conv, pass, dy);
        for (size_t r = 0; r < pass->target.height; r++, dx += row) {
            const float *restrict from = target_row(conv, pass, r);
            const float *gate = x ? x + (s * pass->target.height + r) * row : NULL;
            for (size_t j = 0; j < row; j++)
                dx[j] = gate && gate[j] <= 0.0f ? 0.0f : from[j];
        }
    }
}

/* factors += what the rows [first, first + rows) of the source collect from the frame. A
 * block of rows is so low that its part of the frame stays in the first-level cache. */
static void collect_block(const fed_conv_t *conv, const pass_t *pass, const float *source,
                          size_t first, size_t rows) {
    image_t block = {rows, pass->source.width, pass->source.depth};
    fed_plane_t plane = plane_of(block, source + first * block.width * block.depth);
    fed_simd_kernels()->list_by_channel(&plane, pass->frame_row, pass->target.depth,
                                        rows * block.width, conv->begin, conv->end, conv->entries);
    for (size_t ky = 0; ky < pass->kernel; ky++)
        for (size_t at = 0, width; at < pass->window; at += width) {
            width = slab_at(at, pass->window);
            fed_simd_kernels()->combine(&(fed_combine_t){
                .count_r = block.depth,
                .count_i = 1,
                .begin = conv->begin,
                .end = conv->end,
                .entries = conv->entries,
                .rows = conv->frame + (first + ky) * pass->frame_row + at,
                .sums = conv->factors + ky * block.depth * pass->window + at,
                .stride_r = pass->window,
                .full = rows * block.width,
                .width = width,
            });
        }
}

static void collect(const fed_conv_t *conv, const pass_t *pass, const float *source,
                    const float *target) {
    size_t row = pass->target.width * pass->target.depth, height = pass->source.height;
    size_t rows = larger(FIRST_LEVEL_FLOATS / pass->frame_row, 1);
    for (size_t y = 0; y < pass->target.height; y++)
        memcpy(target_row(conv, pass, y), target + y * row, row * sizeof *target);
    for (size_t first = 0; first < height; first += rows)
        collect_block(conv, pass, source, first, smaller(rows, height - first));
}

/* sums[:] = the sum of all pixels */
static void sum_pixels(size_t pixels, size_t depth, const float *restrict values,
                       float *restrict sums) {
    memset(sums, 0, depth * sizeof *sums);
    for (; pixels > 0; pixels--, values += depth)
        for (size_t j = 0; j < depth; j++)
            sums[j] += values[j];
}

/* Both gradients of these samples, one behind the other in conv->gradient. */
static void sum_gradients(fed_conv_t *conv, size_t batch, const float *x, const float *dy) {
    const pass_t *pass = conv->weights;
    size_t inputs = entry_count(&conv->forward), outputs = entry_count(&conv->backward);
    size_t depth = conv->shape.outputs;
    memset(conv->frame, 0, pass->frame_floats * sizeof *conv->frame);
    memset(conv->factors, 0, factor_count(pass) * sizeof *conv->factors);
    for (size_t s = 0; s < batch; s++) {
        const float *from = x + s * inputs, *to = dy + s * outputs;
        if (pass->forward)
            collect(conv, pass, from, to);
        else
            collect(conv, pass, to, from);
    }
    unpack_gradient(pass, conv->factors, conv->gradient);
    sum_pixels(batch * outputs / depth, depth, dy, conv->gradient + weight_count(&conv->shape));
}

void fed_conv_backward_weights(fed_conv_t *conv, size_t batch, const float *x, const float *dy,
                               const fed_sink_t *weights, const fed_sink_t *bias) {
    size_t count = weight_count(&conv->shape);
    sum_gradients(conv, batch, x, dy);
    fed_sink_take(weights, count, conv->gradient);
    fed_sink_take(bias, conv->shape.outputs, conv->gradient + count);
}

void fed_conv_squared_norms(fed_conv_t *conv, size_t batch, const float *x, const float *dy,
                            double *squared) {
    size_t inputs = entry_count(&conv->forward), outputs = entry_count(&conv->backward);
    for (size_t s = 0; s < batch; s++) {
        sum_gradients(conv, 1, x + s * inputs, dy + s * outputs);
        squared[s] +=
            fed_squared_norm(weight_count(&conv->shape) + conv->shape.outputs, conv->gradient);
    }
}
