/* Fully connected layers in blocks that stay in the first-level cache.
 *
 * The matrix is taken in panels of at most 64 rows by one tile of columns. Where rows of x
 * have zeros, the panel is copied to aligned memory so that no load of the inner loop
 * crosses a cache line: rows of the parameter vector start anywhere. Where they happen
 * to be aligned, and where x has no zeros, so that four rows share each load and loads are
 * few, the matrix is read in place.
 */
#include "kernels.h"
#include "mask.h"
#include "sink_inline.h"
#include "tile.h"

#include <string.h>

enum {
    GROUP = FED_GROUP,
    GROUPS = 2,
    LANES = FED_LANES,
    DEPTH = LANES < 16 ? 64 : 32 /* rows of a panel: 26 KB at most, most of the cache */
};

/* Up to DEPTH rows of up to FED_TILE_MAX vectors. */
typedef union {
    fed_vec_t vectors[DEPTH * FED_TILE_MAX];
    float floats[DEPTH * FED_TILE_MAX * LANES];
} block_t;
_Static_assert((int)GROUP <= (int)DEPTH, "a block has a row of sums for each sample of a group");

/* Up to DEPTH rows that start every `stride` floats. */
typedef struct {
    const float *rows;
    size_t stride;
} panel_t;

/* Columns [first, first + count) in `vectors` vectors. */
typedef struct {
    size_t first, count, vectors;
} tile_t;

static size_t min(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The tile that starts at column `first`: as few tiles as possible, all of about the
 * same width. */
static tile_t tile_at(size_t first, size_t columns) {
    size_t vectors = (columns + LANES - 1) / LANES;
    size_t tiles = (vectors + FED_TILE_MAX - 1) / FED_TILE_MAX;
    size_t width = (vectors + tiles - 1) / tiles;
    size_t count = min(width * LANES, columns - first);
    return (tile_t){first, count, (count + LANES - 1) / LANES};
}

/* panel[k][:] = matrix[k][tile] for the rows k in the mask `used`. What follows a row in
 * the matrix, which ends at `end`, may come after it: nobody looks at those columns. */
static void pack(block_t *panel, tile_t tile, uint64_t used, const float *matrix, size_t stride,
                 const float *end) {
    for (; used; used &= used - 1) {
        size_t k = (size_t)__builtin_ctzll(used);
        fed_vec_t *to = panel->vectors + k * tile.vectors;
        const float *from = matrix + k * stride + tile.first;
        if (tile.vectors * LANES <= (size_t)(end - from)) {
            for (size_t t = 0; t < tile.vectors; t++)
                to[t] = *(const fed_vec_unaligned_t *)(from + t * LANES);
        } else {
            to[tile.vectors - 1] = (fed_vec_t){0};
            memcpy(to, from, tile.count * sizeof *from);
        }
    }
}

typedef float vec4_t __attribute__((vector_size(16)));
typedef float vec4_unaligned_t __attribute__((vector_size(16), aligned(4), may_alias));

/* Lanes i, j of a and k, l of b, whose lanes count from 4. */
#if FED_HAS_SHUFFLEVECTOR
#define SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, (vec4_index_t){i, j, k, l})
typedef int32_t vec4_index_t __attribute__((vector_size(16)));
#endif

/* to[k][j] = from[j][k] for 4 x 4 entries; `to` is aligned to 16 bytes. */
FED_INLINE void transpose_4x4(float *to, size_t to_stride, const float *from, size_t from_stride) {
    vec4_t a = *(const vec4_unaligned_t *)from;
    vec4_t b = *(const vec4_unaligned_t *)(from + from_stride);
    vec4_t c = *(const vec4_unaligned_t *)(from + 2 * from_stride);
    vec4_t d = *(const vec4_unaligned_t *)(from + 3 * from_stride);
    vec4_t ab01 = SHUFFLE(a, b, 0, 4, 1, 5);
    vec4_t ab23 = SHUFFLE(a, b, 2, 6, 3, 7);
    vec4_t cd01 = SHUFFLE(c, d, 0, 4, 1, 5);
    vec4_t cd23 = SHUFFLE(c, d, 2, 6, 3, 7);
    *(vec4_t *)to = SHUFFLE(ab01, cd01, 0, 1, 4, 5);
    *(vec4_t *)(to + to_stride) = SHUFFLE(ab01, cd01, 2, 3, 6, 7);
    *(vec4_t *)(to + 2 * to_stride) = SHUFFLE(ab23, cd23, 0, 1, 4, 5);
    *(vec4_t *)(to + 3 * to_stride) = SHUFFLE(ab23, cd23, 2, 3, 6, 7);
}

/* panel[k][j] = matrix[tile.first + j][k] for k < depth. */
static void pack_transposed(block_t *panel, tile_t tile, size_t depth, const float *matrix,
                            size_t stride) {
    size_t width = tile.vectors * LANES;
    size_t whole_j = tile.count / 4 * 4, whole_k = depth / 4 * 4;
    float *to = panel->floats;
    matrix += tile.first * stride;
    for (size_t j = 0; j < whole_j; j += 4)
        for (size_t k = 0; k < whole_k; k += 4)
            transpose_4x4(to + k * width + j, width, matrix + j * stride + k, stride);
    for (size_t k = 0; k < depth; k++)
        for (size_t j = k < whole_k ? whole_j : 0; j < width; j++)
            to[k * width + j] = j < tile.count ? matrix[j * stride + k] : 0.0f;
}

/* sums[s][:] = bias[tile], or 0 */
static void start_sums(block_t *sums, tile_t tile, size_t samples, const float *bias) {
    size_t width = tile.vectors * LANES;
    memset(sums->floats, 0, samples * width * sizeof(float));
    for (size_t s = 0; bias && s < samples; s++)
        memcpy(sums->floats + s * width, bias + tile.first, tile.count * sizeof(float));
}

static void finish_sums(const block_t *sums, tile_t tile, const fed_product_t *p, size_t first,
                        size_t samples) {
    for (size_t s = 0; s < samples; s++) {
        const float *restrict from = sums->floats + s * tile.vectors * LANES;
        size_t at = (first + s) * p->outer + tile.first;
        float *restrict to = p->y + at;
        if (p->gate) {
            const float *restrict gate = p->gate + at;
            for (size_t j = 0; j < tile.count; j++)
                to[j] = gate[j] <= 0.0f ? 0.0f : from[j];
        } else if (p->relu) {
            for (size_t j = 0; j < tile.count; j++)
                to[j] = from[j] < 0.0f ? 0.0f : from[j];
        } else {
            memcpy(to, from, tile.count * sizeof *to);
        }
    }
}

/* What of x a panel is multiplied with. */
typedef struct {
    uint64_t rows[GROUPS * GROUP]; /* for each sample, its non-zero columns */
    uint64_t used;                 /* columns that any sample uses */
    bool dense;                    /* nothing is zero */
} pattern_t;

static void find_pattern(pattern_t *pattern, const fed_product_t *p, size_t first, size_t samples,
                         size_t k, size_t depth) {
    uint64_t full = fed_mask_full(depth), in_all = full;
    pattern->used = 0;
    for (size_t s = 0; s < samples; s++) {
        uint64_t row = fed_mask_row(depth, p->x + (first + s) * p->inner + k);
        pattern->rows[s] = row;
        pattern->used |= row;
        in_all &= row;
    }
    pattern->dense = in_all == full;
}

/* Of a narrow tile: there four samples are taken together and their zeros multiplied, so
 * that all of the panel is used, and nobody asks for patterns if no sample is left over. */
static void find_narrow_pattern(pattern_t *pattern, const fed_product_t *p, size_t first,
                                size_t samples, size_t k, size_t depth) {
    if (samples % 4 == 0)
        memset(pattern->rows, 0, sizeof pattern->rows);
    else
        find_pattern(pattern, p, first, samples, k, depth);
    pattern->used = fed_mask_full(depth);
    pattern->dense = false;
}

/* Rows [k, k + depth) of the matrix in this tile; `copy` is memory for them. */
static panel_t get_panel(const fed_product_t *p, tile_t tile, size_t k, size_t depth,
                         const pattern_t *pattern, block_t *copy) {
    panel_t packed = {copy->floats, tile.vectors * LANES};
    const float *end = p->w + p->inner * p->outer;
    if (p->transposed) {
        pack_transposed(copy, tile, depth, p->w + k, p->inner);
        return packed;
    }
    panel_t in_place = {p->w + k * p->outer + tile.first, p->outer};
    const float *last_row = in_place.rows + (depth - 1) * p->outer;
    bool aligned = ((uintptr_t)in_place.rows | p->outer * sizeof(float)) % sizeof(fed_vec_t) == 0;
    if ((aligned || pattern->dense) && tile.vectors * LANES <= (size_t)(end - last_row))
        return in_place;
    pack(copy, tile, pattern->used, p->w + k * p->outer, p->outer, end);
    return packed;
}

/* Rows of a panel: as few panels as possible, all of about the same depth, whole vectors
 * of x. */
static size_t panel_depth(size_t inner) {
    size_t vectors = (inner + LANES - 1) / LANES;
    size_t panels = inner > 0 ? (inner - 1) / DEPTH + 1 : 1;
    return (vectors + panels - 1) / panels * LANES;
}

/* One tile of y for up to GROUPS groups of samples, which share each panel. */
static void product_tile(const fed_product_t *p, tile_t tile, size_t first, size_t samples) {
    _Alignas(64) block_t copy, sums[GROUPS];
    size_t most = panel_depth(p->inner);
    for (size_t g = 0; g * GROUP < samples; g++)
        start_sums(&sums[g], tile, min(GROUP, samples - g * GROUP), p->bias);
    for (size_t k = 0; k < p->inner; k += most) {
        size_t depth = min(most, p->inner - k);
        pattern_t pattern;
        if (tile.vectors <= FED_NARROW)
            find_narrow_pattern(&pattern, p, first, samples, k, depth);
        else
            find_pattern(&pattern, p, first, samples, k, depth);
        panel_t panel = get_panel(p, tile, k, depth, &pattern, &copy);
        for (size_t g = 0; g * GROUP < samples; g++)
            fed_tile_multiply(tile.vectors,
                              &(fed_tile_t){.count = min(GROUP, samples - g * GROUP),
                                            .masks = pattern.rows + g * GROUP,
                                            .full = fed_mask_full(depth),
                                            .x = p->x + (first + g * GROUP) * p->inner + k,
                                            .stride_i = p->inner,
                                            .stride_k = 1,
                                            .panel = panel.rows,
                                            .panel_stride = panel.stride,
                                            .sums = sums[g].vectors});
    }
    for (size_t g = 0; g * GROUP < samples; g++)
        finish_sums(&sums[g], tile, p, first + g * GROUP, min(GROUP, samples - g * GROUP));
}

void FED_SIMD_NAME(product)(const fed_product_t *p) {
    for (size_t first = 0; first < p->batch; first += GROUPS * GROUP) {
        size_t samples = min(GROUPS * GROUP, p->batch - first);
        tile_t tile;
        for (size_t column = 0; column < p->outer; column += tile.count) {
            tile = tile_at(column, p->outer);
            product_tile(p, tile, first, samples);
        }
    }
}

static void descend_bias(const fed_descent_t *d) {
    float sums[FED_TILE_MAX * LANES];
    for (size_t first = 0; first < d->outputs; first += FED_TILE_MAX * LANES) {
        size_t count = min(FED_TILE_MAX * LANES, d->outputs - first);
        memset(sums, 0, sizeof sums);
        for (size_t s = 0; s < d->batch; s++)
            for (size_t j = 0; j < count; j++)
                sums[j] += d->dy[s * d->outputs + first + j];
        fed_sink_put(d->bias, first, count, sums);
    }
}

/* The masks of the columns [row, row + rows) of a group of samples. */
static void group_columns(uint64_t masks[GROUP], const fed_descent_t *d, size_t first,
                          size_t samples, size_t row, size_t rows) {
    uint32_t found[GROUP];
    const uint32_t *columns = found;
    if (d->columns && samples > 0)
        columns = d->columns + first / GROUP * d->inputs + row;
    else
        fed_mask_columns(samples, rows, d->x + first * d->inputs + row, d->inputs, found);
    for (size_t i = 0; i < rows; i++)
        masks[i] = columns[i];
}

/* Hand over rows whose gradient is known. */
static void descend_rows(const fed_descent_t *d, tile_t tile, size_t row, uint32_t which,
                         const fed_vec_t *sums) {
    for (; which; which &= which - 1) {
        size_t i = (size_t)__builtin_ctz(which);
        size_t at = (row + i) * d->outputs + tile.first;
        fed_sink_put(d->weights, at, tile.count, (const float *)(sums + i * tile.vectors));
    }
}

/* The gradient of `rows` <= 32 rows of w in a tile, where sums[i][:] is the sum over the
 * samples s of x[s][row + i] dy[s][tile]. Applying the gradient is bound by memory and
 * summing it by arithmetic, so they alternate at short distance. */
static void descend_block(const fed_descent_t *d, tile_t tile, size_t row, size_t rows,
                          block_t *panel) {
    enum { STRIP = 4 };
    _Alignas(64) block_t sums;
    uint32_t used = 0;
    bool last = false;
    for (size_t first = 0; !last; first += GROUP) {
        size_t samples = min(GROUP, d->batch - first);
        last = first + samples == d->batch;
        uint64_t masks[GROUP];
        group_columns(masks, d, first, samples, row, rows);
        for (size_t i = 0; i < rows; i++)
            used |= (uint32_t)(masks[i] != 0) << i;
        if (d->batch > GROUP || row == 0)
            pack(panel, tile, fed_mask_full(samples), d->dy + first * d->outputs, d->outputs,
                 d->dy + d->batch * d->outputs);
        for (size_t i = 0; i < rows; i += STRIP) {
            size_t count = min(STRIP, rows - i);
            uint32_t which = fed_mask_full(count) << i;
            /* The sums of a single group are used up at once: the cache is the panel's. */
            fed_vec_t *strip = sums.vectors + (d->batch > GROUP ? i * tile.vectors : 0);
            if (d->skip_rows && last && !(which &= used))
                continue;
            fed_tile_multiply(tile.vectors, &(fed_tile_t){.count = count,
                                                          .masks = masks + i,
                                                          .full = fed_mask_full(samples),
                                                          .x = d->x + first * d->inputs + row + i,
                                                          .stride_i = 1,
                                                          .stride_k = d->inputs,
                                                          .panel = panel->floats,
                                                          .panel_stride = tile.vectors * LANES,
                                                          .sums = strip,
                                                          .fresh = first == 0});
            if (last)
                descend_rows(d, tile, row + i, which >> i, strip);
        }
    }
}

void FED_SIMD_NAME(descent)(const fed_descent_t *d) {
    _Alignas(64) block_t panel;
    tile_t tile;
    for (size_t column = 0; column < d->outputs; column += tile.count) {
        tile = tile_at(column, d->outputs);
        for (size_t row = 0; row < d->inputs; row += GROUP)
            descend_block(d, tile, row, min(GROUP, d->inputs - row), &panel);
    }
    descend_bias(d);
}

void FED_SIMD_NAME(scan)(size_t batch, size_t inputs, const float *x, uint32_t *columns) {
    for (size_t first = 0; first < batch; first += GROUP) {
        size_t samples = min(GROUP, batch - first);
        for (size_t i = 0; i < inputs; i += GROUP) {
            size_t count = min(GROUP, inputs - i);
            uint32_t masks[GROUP];
            fed_mask_columns(samples, count, x + first * inputs + i, inputs, masks);
            memcpy(columns + first / GROUP * inputs + i, masks, count * sizeof masks[0]);
        }
    }
}
