/* Blocks of matrices that stay in the first-level cache, for the kernels of dense layers. */
#ifndef FEDMPI_MATH_SIMD_PANEL_H
#define FEDMPI_MATH_SIMD_PANEL_H

#include "kernels.h"
#include "tile.h"

#include <string.h>

enum {
    GROUP = FED_GROUP,
    LANES = FED_LANES,
    DEPTH = LANES < 16 ? 64 : 48 /* rows of a panel, whole vectors: most of the cache */
};

/* Up to DEPTH rows of up to FED_TILE_MAX vectors. */
typedef union {
    fed_vec_t vectors[DEPTH * FED_TILE_MAX];
    float floats[DEPTH * FED_TILE_MAX * LANES];
} block_t;
_Static_assert(DEPTH % LANES == 0, "panels begin with a vector of x");
_Static_assert((int)GROUP <= (int)DEPTH, "a block has a row of sums for each sample of a group");

/* Columns [first, first + count) in `vectors` vectors. */
typedef struct {
    size_t first, count, vectors;
} tile_t;

static inline size_t min(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The tile that starts at column `first`: as few tiles as possible, all of about the
 * same width. */
static inline tile_t tile_at(size_t first, size_t columns) {
    size_t vectors = (columns + LANES - 1) / LANES;
    size_t tiles = (vectors + FED_TILE_MAX - 1) / FED_TILE_MAX;
    size_t width = (vectors + tiles - 1) / tiles;
    size_t count = min(width * LANES, columns - first);
    return (tile_t){first, count, (count + LANES - 1) / LANES};
}

/* A row's part in a tile. What follows it in the matrix, which ends at `end`, may come after it:
 * nobody looks at those columns. */
FED_INLINE void pack_row(fed_vec_t *to, tile_t tile, const float *from, const float *end) {
    if (tile.vectors * LANES <= (size_t)(end - from)) {
        for (size_t t = 0; t < tile.vectors; t++)
            to[t] = *(const fed_vec_unaligned_t *)(from + t * LANES);
    } else {
        to[tile.vectors - 1] = (fed_vec_t){0};
        memcpy(to, from, tile.count * sizeof *from);
    }
}

/* panel[k][:] = matrix[k][tile] for the rows k in the mask `used`. */
static inline void pack(block_t *panel, tile_t tile, uint64_t used, const float *matrix,
                        size_t stride, const float *end) {
    for (; used; used &= used - 1) {
        size_t k = (size_t)__builtin_ctzll(used);
        pack_row(panel->vectors + k * tile.vectors, tile, matrix + k * stride + tile.first, end);
    }
}

#endif
