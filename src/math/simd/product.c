/* Products of dense layers in blocks that stay in the first-level cache.
 *
 * The matrix is taken in panels of at most 64 rows by one tile of columns. Where rows of x
 * have zeros, the panel is copied to aligned memory so that no load of the inner loop
 * crosses a cache line: rows of the parameter vector start anywhere. Where they happen
 * to be aligned, and where x has no zeros, so that four rows share each load and loads are
 * few, the matrix is read in place. Where most of x is zero a panel has only the rows that a
 * sample uses.
 */
#include "mask.h"
#include "panel.h"

enum { GROUPS = 2 };

/* Up to DEPTH rows that start every `stride` floats. */
typedef struct {
    const float *rows;
    size_t stride;
} panel_t;

/* Square blocks that are transposed in registers. */
enum { SIDE = LANES < 8 ? 4 : 8 };
typedef float line_t __attribute__((vector_size(4 * SIDE)));
typedef float line_unaligned_t __attribute__((vector_size(4 * SIDE), aligned(4), may_alias));

/* Lanes of a and b, whose lanes count from SIDE. */
#if FED_HAS_SHUFFLEVECTOR
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (lanes_t){__VA_ARGS__})
typedef int32_t lanes_t __attribute__((vector_size(4 * SIDE)));
#endif

/* Neighbours side by side: single lanes, pairs of lanes, and halves. */
#if defined(__AVX2__) || defined(__AVX512F__)
#define LOW_LANES(a, b) SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH_LANES(a, b) SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW_PAIRS(a, b) SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH_PAIRS(a, b) SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define LOW_HALVES(a, b) SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH_HALVES(a, b) SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#else
#define LOW_LANES(a, b) SHUFFLE(a, b, 0, 4, 1, 5)
#define HIGH_LANES(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#define LOW_PAIRS(a, b) SHUFFLE(a, b, 0, 1, 4, 5)
#define HIGH_PAIRS(a, b) SHUFFLE(a, b, 2, 3, 6, 7)
#endif

/* Of each four rows, each half: their columns 4 h to 4 h + 3 side by side, h the lanes' half. */
FED_INLINE void transpose_quads(line_t rows[SIDE]) {
    FED_UNROLL
    for (int r = 0; r < SIDE; r += 4) {
        line_t ab_low = LOW_LANES(rows[r], rows[r + 1]), ab_high = HIGH_LANES(rows[r], rows[r + 1]);
        line_t cd_low = LOW_LANES(rows[r + 2], rows[r + 3]);
        line_t cd_high = HIGH_LANES(rows[r + 2], rows[r + 3]);
        rows[r] = LOW_PAIRS(ab_low, cd_low);
        rows[r + 1] = HIGH_PAIRS(ab_low, cd_low);
        rows[r + 2] = LOW_PAIRS(ab_high, cd_high);
        rows[r + 3] = HIGH_PAIRS(ab_high, cd_high);
    }
}

/* to[k][j] = from[j][k] for SIDE x SIDE entries; `to` is aligned for them. */
FED_INLINE void transpose_block(float *to, size_t to_stride, const float *from,
                                size_t from_stride) {
    line_t rows[SIDE];
    FED_UNROLL
    for (int r = 0; r < SIDE; r++)
        rows[r] = *(const line_unaligned_t *)(from + (size_t)r * from_stride);
    transpose_quads(rows);
#ifdef LOW_HALVES
    FED_UNROLL
    for (int r = 0; r < 4; r++) {
        *(line_t *)(to + (size_t)r * to_stride) = LOW_HALVES(rows[r], rows[r + 4]);
        *(line_t *)(to + (size_t)(r + 4) * to_stride) = HIGH_HALVES(rows[r], rows[r + 4]);
    }
#else
    FED_UNROLL
    for (int r = 0; r < SIDE; r++)
        *(line_t *)(to + (size_t)r * to_stride) = rows[r];
#endif
}

/* panel[k][j] = matrix[tile.first + j][k] for k < depth. */
static void pack_transposed(block_t *panel, tile_t tile, size_t depth, const float *matrix,
                            size_t stride) {
    size_t width = tile.vectors * LANES;
    size_t whole_j = tile.count / SIDE * SIDE, whole_k = depth / SIDE * SIDE;
    float *to = panel->floats;
    matrix += tile.first * stride;
    for (size_t j = 0; j < whole_j; j += SIDE)
        for (size_t k = 0; k < whole_k; k += SIDE)
            transpose_block(to + k * width + j, width, matrix + j * stride + k, stride);
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

/* One tile of y for samples first .. first+samples-1, up to GROUPS groups that share each panel. */
typedef struct {
    const fed_product_t *p;
    tile_t tile;
    size_t first, samples;
    block_t *sums; /* [GROUPS] */
} work_t;

/* What of x a panel is multiplied with. */
typedef struct {
    uint64_t rows[GROUPS * GROUP]; /* for each sample, its non-zero columns */
    uint64_t used;                 /* columns that any sample uses */
    bool dense;                    /* nothing is zero */
} pattern_t;

/* Columns of x whose rows of the matrix are a panel. */
typedef struct {
    size_t count, at[DEPTH];
} chosen_t;

static void find_pattern(pattern_t *pattern, const work_t *work, size_t k, size_t depth) {
    const fed_product_t *p = work->p;
    uint64_t full = fed_mask_full(depth), in_all = full;
    pattern->used = 0;
    for (size_t s = 0; s < work->samples; s++) {
        uint64_t row = fed_mask_row(depth, p->x + (work->first + s) * p->inner + k);
        pattern->rows[s] = row;
        pattern->used |= row;
        in_all &= row;
    }
    pattern->dense = in_all == full;
}

/* Of a narrow tile: there four samples are taken together and their zeros multiplied, so
 * that all of the panel is used, and nobody asks for patterns if no sample is left over. */
static void find_narrow_pattern(pattern_t *pattern, const work_t *work, size_t k, size_t depth) {
    if (work->samples % 4 == 0)
        memset(pattern->rows, 0, sizeof pattern->rows);
    else
        find_pattern(pattern, work, k, depth);
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

/* Sums of all samples over a panel.
 * @param at  NULL: its rows belong to the columns of x from `x` on; else to the columns at[] */
static void multiply_panel(const work_t *work, panel_t panel, uint64_t full, const float *x,
                           const size_t *at, const pattern_t *pattern) {
    size_t inner = work->p->inner;
    for (size_t g = 0; g * GROUP < work->samples; g++)
        fed_tile_multiply(work->tile.vectors,
                          &(fed_tile_t){.count = min(GROUP, work->samples - g * GROUP),
                                        .masks = pattern->rows + g * GROUP,
                                        .full = full,
                                        .x = x + (work->first + g * GROUP) * inner,
                                        .stride_i = inner,
                                        .stride_k = 1,
                                        .at = at,
                                        .panel = panel.rows,
                                        .panel_stride = panel.stride,
                                        .sums = work->sums[g].vectors});
}

/* All of the matrix, panel after panel. */
static void multiply_all(const work_t *work) {
    _Alignas(64) block_t copy;
    const fed_product_t *p = work->p;
    size_t most = panel_depth(p->inner);
    for (size_t k = 0; k < p->inner; k += most) {
        size_t depth = min(most, p->inner - k);
        pattern_t pattern;
        if (work->tile.vectors <= FED_NARROW)
            find_narrow_pattern(&pattern, work, k, depth);
        else
            find_pattern(&pattern, work, k, depth);
        panel_t panel = get_panel(p, work->tile, k, depth, &pattern, &copy);
        multiply_panel(work, panel, fed_mask_full(depth), p->x + k, NULL, &pattern);
    }
}

/* The next columns that any of the samples uses, and the samples' patterns in them.
 * @param k  [in,out] where to look on */
static void choose(chosen_t *chosen, pattern_t *pattern, const work_t *work, size_t *k) {
    uint32_t columns[GROUPS][DEPTH];
    size_t groups = (work->samples - 1) / GROUP + 1, inner = work->p->inner;
    const uint32_t *found = work->p->columns + work->first / GROUP * inner;
    chosen->count = 0;
    for (; *k < inner && chosen->count < DEPTH; ++*k) {
        uint32_t any = 0;
        for (size_t g = 0; g < groups; g++)
            any |= columns[g][chosen->count] = found[g * inner + *k];
        chosen->at[chosen->count] = *k;
        chosen->count += any != 0; /* without a branch: nobody could foretell it */
    }
    for (size_t g = 0; g < groups; g++)
        fed_mask_transpose(chosen->count, columns[g], pattern->rows + g * GROUP);
}

/* panel[c][:] = matrix[at[c]][tile] for the chosen rows. */
static void pack_chosen(block_t *panel, const chosen_t *chosen, const work_t *work) {
    const fed_product_t *p = work->p;
    const float *end = p->w + p->inner * p->outer;
    for (size_t c = 0; c < chosen->count; c++)
        pack_row(panel->vectors + c * work->tile.vectors, work->tile,
                 p->w + chosen->at[c] * p->outer + work->tile.first, end);
}

/* The rows of the matrix that are used: where most of x is zero, many are not. */
static void multiply_chosen(const work_t *work) {
    _Alignas(64) block_t copy;
    panel_t panel = {copy.floats, work->tile.vectors * LANES};
    for (size_t k = 0; k < work->p->inner;) {
        chosen_t chosen;
        pattern_t pattern;
        choose(&chosen, &pattern, work, &k);
        pack_chosen(&copy, &chosen, work);
        multiply_panel(work, panel, fed_mask_full(chosen.count), work->p->x, chosen.at, &pattern);
    }
}

static void product_tile(const fed_product_t *p, tile_t tile, size_t first, size_t samples) {
    _Alignas(64) block_t sums[GROUPS];
    work_t work = {.p = p, .tile = tile, .first = first, .samples = samples, .sums = sums};
    for (size_t g = 0; g * GROUP < samples; g++)
        start_sums(&sums[g], tile, min(GROUP, samples - g * GROUP), p->bias);
    if (p->columns && tile.vectors > FED_NARROW)
        multiply_chosen(&work);
    else
        multiply_all(&work);
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
