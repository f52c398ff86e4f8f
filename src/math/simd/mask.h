/* Bit masks of the non-zero entries of a block of a matrix. */
#ifndef FEDMPI_MATH_SIMD_MASK_H
#define FEDMPI_MATH_SIMD_MASK_H

#include "vector.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* columns[i] bit s = (x[s][i] != 0) for up to 32 x 32 entries; x[s] starts every
 * `stride` floats. A NaN counts as not zero. */
static inline void fed_mask_columns(size_t samples, size_t count, const float *x, size_t stride,
                                    uint32_t columns[32]) {
    enum { VECTORS = 32 / FED_LANES };
    if (count < 32) {
        memset(columns, 0, 32 * sizeof columns[0]);
        for (size_t s = 0; s < samples; s++)
            for (size_t i = 0; i < count; i++)
                columns[i] |= (uint32_t)(x[s * stride + i] != 0.0f) << s;
        return;
    }
    fed_uvec_t words[VECTORS] = {{0}};
    for (size_t s = 0; s < samples; s++) {
        fed_uvec_t bit = (1u << s) - (fed_uvec_t){0};
        FED_UNROLL
        for (int t = 0; t < VECTORS; t++) {
            fed_vec_t entries = *(const fed_vec_unaligned_t *)(x + s * stride + t * FED_LANES);
            words[t] |= (fed_uvec_t)(entries != (fed_vec_t){0}) & bit;
        }
    }
    memcpy(columns, words, sizeof words);
}

/* Swap the two off-diagonal quarters of each (2 width) x (2 width) square. */
FED_INLINE void fed_mask_swap(uint32_t bits[32], int width, uint32_t low) {
    for (int square = 0; square < 32; square += 2 * width)
        for (int i = square; i < square + width; i++) {
            uint32_t differ = ((bits[i] >> width) ^ bits[i + width]) & low;
            bits[i] ^= differ << width;
            bits[i + width] ^= differ;
        }
}

/* Transpose a 32 x 32 bit matrix: columns become rows. */
static inline void fed_mask_transpose(uint32_t bits[32]) {
    fed_mask_swap(bits, 16, 0x0000ffff);
    fed_mask_swap(bits, 8, 0x00ff00ff);
    fed_mask_swap(bits, 4, 0x0f0f0f0f);
    fed_mask_swap(bits, 2, 0x33333333);
    fed_mask_swap(bits, 1, 0x55555555);
}

/* The lowest `count` <= 32 bits. */
static inline uint32_t fed_mask_full(size_t count) {
    return (uint32_t)((UINT64_C(1) << count) - 1);
}

#endif
