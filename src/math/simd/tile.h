/* The one inner loop of the dense layers.
 *
 *     sums[i][:] += x(i, k) * panel[k][:]    for each k in the bit mask of i
 *
 * i is a sample and k an input in the forward pass, i a sample and k an output in
 * the backward pass to the inputs, i an input and k a sample in the weight
 * gradient. A tile is up to FED_TILE_MAX vectors wide, so that a row of sums stays
 * in registers while the set bits are walked; the panel (up to 64 rows) is read from
 * the first-level cache, one load for each multiply-add, which is what the machine
 * can do at best for a row of its own pattern of zeros. Where four neighbouring
 * rows have no zeros at all, they share the loads. So they do in a narrow tile,
 * zeros or not: there the sums of one row alone would wait for each other.
 */
#ifndef FEDMPI_MATH_SIMD_TILE_H
#define FEDMPI_MATH_SIMD_TILE_H

#include "vector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FED_TILE_MAX = 13,                      /* vectors across a tile */
    FED_QUAD_MAX = FED_LANES == 16 ? 6 : 3, /* the same where four rows share loads */
    FED_NARROW = 16 / FED_LANES             /* they always do in tiles up to this */
};

typedef struct {
    size_t count;          /* rows of sums, at most 32 */
    const uint64_t *masks; /* [count] */
    uint64_t full;         /* the mask of a row without zeros */
    const float *x;        /* x(i, k) is x[i * stride_i + k * stride_k] */
    size_t stride_i, stride_k;
    const size_t *at;   /* or x[i * stride_i + at[k]]: then no rows share loads. Or NULL */
    const float *panel; /* [up to 64][tile], row k starts at k * panel_stride */
    size_t panel_stride;
    fed_vec_t *sums; /* [count][tile] */
    bool fresh;      /* the sums start at 0, whatever is in memory */
} fed_tile_t;

FED_INLINE fed_vec_t fed_vec_splat(float value) {
    return value - (fed_vec_t){0};
}

FED_INLINE const fed_vec_unaligned_t *fed_tile_panel_row(const fed_tile_t *job, size_t k) {
    return (const fed_vec_unaligned_t *)(job->panel + k * job->panel_stride);
}

/* Add to one row of sums, any pattern of zeros. */
FED_INLINE void fed_tile_add(int tile, bool listed, const fed_tile_t *job, size_t i,
                             fed_vec_t *sums) {
    uint64_t mask = job->masks[i];
    const float *x = job->x + i * job->stride_i;
    while (mask) {
        size_t k = (size_t)__builtin_ctzll(mask);
        fed_vec_t factor = fed_vec_splat(x[listed ? job->at[k] : k * job->stride_k]);
        const fed_vec_unaligned_t *panel = fed_tile_panel_row(job, k);
        mask &= mask - 1;
        FED_UNROLL
        for (int t = 0; t < tile; t++)
            sums[t] += factor * panel[t];
    }
}

FED_INLINE void fed_tile_row(int tile, bool listed, const fed_tile_t *job, size_t i) {
    fed_vec_t *row = job->sums + i * (size_t)tile;
    fed_vec_t sums[FED_TILE_MAX];
    FED_UNROLL
    for (int t = 0; t < tile; t++)
        sums[t] = job->fresh ? (fed_vec_t){0} : row[t];
    fed_tile_add(tile, listed, job, i, sums);
    FED_UNROLL
    for (int t = 0; t < tile; t++)
        row[t] = sums[t];
}

/* Columns [first, first + width) of up to eight rows of sums that have no zeros. */
FED_INLINE void fed_tile_columns(int count, int tile, int first, int width, const fed_tile_t *job,
                                 size_t i) {
    size_t depth = (size_t)__builtin_popcountll(job->full);
    fed_vec_t *rows = job->sums + i * (size_t)tile + first;
    fed_vec_t sums[8][FED_QUAD_MAX];
    FED_UNROLL
    for (int r = 0; r < count; r++) {
        FED_UNROLL
        for (int t = 0; t < width; t++)
            sums[r][t] = job->fresh ? (fed_vec_t){0} : rows[r * tile + t];
    }
    for (size_t k = 0; k < depth; k++) {
        const float *x = job->x + i * job->stride_i + k * job->stride_k;
        const fed_vec_unaligned_t *panel = fed_tile_panel_row(job, k) + first;
        FED_UNROLL
        for (int r = 0; r < count; r++) {
            fed_vec_t factor = fed_vec_splat(x[(size_t)r * job->stride_i]);
            FED_UNROLL
            for (int t = 0; t < width; t++)
                sums[r][t] += factor * panel[t];
        }
    }
    FED_UNROLL
    for (int r = 0; r < count; r++) {
        FED_UNROLL
        for (int t = 0; t < width; t++)
            rows[r * tile + t] = sums[r][t];
    }
}

FED_INLINE void fed_tile_quad(int tile, const fed_tile_t *job, size_t i) {
    /* As even as possible: 13 columns in steps of at most 6 are 5 + 4 + 4. */
    int parts = (tile + FED_QUAD_MAX - 1) / FED_QUAD_MAX;
    int wide = tile % parts, width = tile / parts;
#define FED_PART(p)                                                                                \
    if (p < parts)                                                                                 \
        fed_tile_columns(4, tile, (p)*width + ((p) < wide ? (p) : wide), width + ((p) < wide),     \
                         job, i);
    FED_PART(0) FED_PART(1) FED_PART(2) FED_PART(3) FED_PART(4)
#undef FED_PART
}

FED_INLINE void fed_tile_rows(int tile, const fed_tile_t *job) {
    size_t i = 0;
    while (i < job->count) {
        const uint64_t *mask = job->masks + i;
        if (tile == 1 && FED_NARROW == 1 && i + 8 <= job->count) {
            fed_tile_columns(8, 1, 0, 1, job, i); /* as many as hide each other's latency */
            i += 8;
        } else if (i + 4 <= job->count &&
                   (tile <= FED_NARROW || (mask[0] & mask[1] & mask[2] & mask[3]) == job->full)) {
            fed_tile_quad(tile, job, i);
            i += 4;
        } else {
            if (mask[0] || job->fresh)
                fed_tile_row(tile, false, job, i);
            i++;
        }
    }
}

FED_INLINE void fed_tile_rows_listed(int tile, const fed_tile_t *job) {
    for (size_t i = 0; i < job->count; i++)
        if (job->masks[i])
            fed_tile_row(tile, true, job, i);
}

#define FED_TILES(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13)
#define FED_TILE_DEFINE(tile)                                                                      \
    static void fed_tile_rows_##tile(const fed_tile_t *job) {                                      \
        if (job->at)                                                                               \
            fed_tile_rows_listed(tile, job);                                                       \
        else                                                                                       \
            fed_tile_rows(tile, job);                                                              \
    }
FED_TILES(FED_TILE_DEFINE)
#undef FED_TILE_DEFINE

/* The inner loop for a tile of 1 to FED_TILE_MAX vectors. */
static inline void fed_tile_multiply(size_t tile, const fed_tile_t *job) {
#define FED_TILE_ENTRY(tile) fed_tile_rows_##tile,
    static void (*const rows[])(const fed_tile_t *) = {FED_TILES(FED_TILE_ENTRY)};
#undef FED_TILE_ENTRY
    rows[tile - 1](job);
}

/* Rows of sums that are the gradients of rows of parameters, which make a step of SGD with
 * momentum: the sums never leave the registers. */
typedef struct {
    float learning_rate, momentum;
    float *v, *w;  /* row i starts at i * stride */
    size_t stride; /* of parameters */
    size_t count;  /* columns of the tile */
} fed_tile_sgd_t;

/* A vector's step. */
FED_INLINE void fed_tile_step(const fed_tile_sgd_t *sgd, fed_vec_t gradient, float *v, float *w) {
    fed_vec_t velocity = sgd->momentum * *(fed_vec_unaligned_t *)v + gradient;
    *(fed_vec_unaligned_t *)v = velocity;
    *(fed_vec_unaligned_t *)w -= sgd->learning_rate * velocity;
}

/* That of its first `count` < FED_LANES lanes. */
FED_INLINE void fed_tile_step_part(const fed_tile_sgd_t *sgd, size_t count, fed_vec_t gradient,
                                   float *v, float *w) {
#ifdef __AVX512F__
    __mmask16 mask = (__mmask16)((1u << count) - 1);
    fed_vec_t velocity = sgd->momentum * (fed_vec_t)_mm512_maskz_loadu_ps(mask, v) + gradient;
    fed_vec_t after = (fed_vec_t)_mm512_maskz_loadu_ps(mask, w) - sgd->learning_rate * velocity;
    _mm512_mask_storeu_ps(v, mask, velocity);
    _mm512_mask_storeu_ps(w, mask, after);
#else
    for (size_t j = 0; j < count; j++) {
        v[j] = sgd->momentum * v[j] + gradient[j];
        w[j] -= sgd->learning_rate * v[j];
    }
#endif
}

FED_INLINE void fed_tile_descend_row(int tile, const fed_tile_t *job, size_t i,
                                     const fed_tile_sgd_t *sgd) {
    float *v = sgd->v + i * sgd->stride, *w = sgd->w + i * sgd->stride;
    fed_vec_t sums[FED_TILE_MAX];
    FED_UNROLL
    for (int t = 0; t < tile; t++)
        sums[t] = (fed_vec_t){0};
    fed_tile_add(tile, false, job, i, sums);
    FED_UNROLL
    for (int t = 0; t < tile - 1; t++)
        fed_tile_step(sgd, sums[t], v + t * FED_LANES, w + t * FED_LANES);
    size_t whole = (size_t)(tile - 1) * FED_LANES;
    if (sgd->count == whole + FED_LANES)
        fed_tile_step(sgd, sums[tile - 1], v + whole, w + whole);
    else
        fed_tile_step_part(sgd, sgd->count - whole, sums[tile - 1], v + whole, w + whole);
}

#define FED_TILE_DEFINE(tile)                                                                      \
    static void fed_tile_descend_##tile(const fed_tile_t *job, uint32_t which,                     \
                                        const fed_tile_sgd_t *sgd) {                               \
        for (; which; which &= which - 1)                                                          \
            fed_tile_descend_row(tile, job, (size_t)__builtin_ctz(which), sgd);                    \
    }
FED_TILES(FED_TILE_DEFINE)
#undef FED_TILE_DEFINE

/* Sums of the rows in the mask `which` from zero on, and their steps. */
static inline void fed_tile_descend(size_t tile, const fed_tile_t *job, uint32_t which,
                                    const fed_tile_sgd_t *sgd) {
#define FED_TILE_ENTRY(tile) fed_tile_descend_##tile,
    static void (*const rows[])(const fed_tile_t *, uint32_t,
                                const fed_tile_sgd_t *) = {FED_TILES(FED_TILE_ENTRY)};
#undef FED_TILE_ENTRY
    rows[tile - 1](job, which, sgd);
}

#endif
