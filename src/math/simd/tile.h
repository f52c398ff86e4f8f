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

/* One row of sums, any pattern of zeros. */
FED_INLINE void fed_tile_row(int tile, const fed_tile_t *job, size_t i) {
    uint64_t mask = job->masks[i];
    const float *x = job->x + i * job->stride_i;
    fed_vec_t *row = job->sums + i * (size_t)tile;
    fed_vec_t sums[FED_TILE_MAX];
    FED_UNROLL
    for (int t = 0; t < tile; t++)
        sums[t] = job->fresh ? (fed_vec_t){0} : row[t];
    while (mask) {
        size_t k = (size_t)__builtin_ctzll(mask);
        fed_vec_t factor = fed_vec_splat(x[k * job->stride_k]);
        const fed_vec_unaligned_t *panel = fed_tile_panel_row(job, k);
        mask &= mask - 1;
        FED_UNROLL
        for (int t = 0; t < tile; t++)
            sums[t] += factor * panel[t];
    }
    FED_UNROLL
    for (int t = 0; t < tile; t++)
        row[t] = sums[t];
}

/* Columns [first, first + width) of four rows of sums that have no zeros. */
FED_INLINE void fed_tile_quad_columns(int tile, int first, int width, const fed_tile_t *job,
                                      size_t i) {
    size_t depth = (size_t)__builtin_popcountll(job->full);
    fed_vec_t *rows = job->sums + i * (size_t)tile + first;
    fed_vec_t sums[4][FED_QUAD_MAX];
    FED_UNROLL
    for (int r = 0; r < 4; r++) {
        FED_UNROLL
        for (int t = 0; t < width; t++)
            sums[r][t] = job->fresh ? (fed_vec_t){0} : rows[r * tile + t];
    }
    for (size_t k = 0; k < depth; k++) {
        const float *x = job->x + i * job->stride_i + k * job->stride_k;
        const fed_vec_unaligned_t *panel = fed_tile_panel_row(job, k) + first;
        FED_UNROLL
        for (int r = 0; r < 4; r++) {
            fed_vec_t factor = fed_vec_splat(x[(size_t)r * job->stride_i]);
            FED_UNROLL
            for (int t = 0; t < width; t++)
                sums[r][t] += factor * panel[t];
        }
    }
    FED_UNROLL
    for (int r = 0; r < 4; r++) {
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
        fed_tile_quad_columns(tile, (p)*width + ((p) < wide ? (p) : wide), width + ((p) < wide),   \
                              job, i);
    FED_PART(0) FED_PART(1) FED_PART(2) FED_PART(3) FED_PART(4)
#undef FED_PART
}

FED_INLINE void fed_tile_rows(int tile, const fed_tile_t *job) {
    size_t i = 0;
    while (i < job->count) {
        const uint64_t *mask = job->masks + i;
        if (i + 4 <= job->count &&
            (tile <= FED_NARROW || (mask[0] & mask[1] & mask[2] & mask[3]) == job->full)) {
            fed_tile_quad(tile, job, i);
            i += 4;
        } else {
            if (mask[0] || job->fresh)
                fed_tile_row(tile, job, i);
            i++;
        }
    }
}

#define FED_TILES(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13)
#define FED_TILE_DEFINE(tile)                                                                      \
    static void fed_tile_rows_##tile(const fed_tile_t *job) {                                      \
        fed_tile_rows(tile, job);                                                                  \
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

#endif
