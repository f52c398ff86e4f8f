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

/* rows[s] bit k = columns[k] bit s, for up to 64 columns of 32 samples. */
static inline void fed_mask_transpose(size_t count, const uint32_t *columns, uint64_t rows[32]) {
    enum { VECTORS = 32 / FED_LANES };
    union {
        fed_uvec_t words[VECTORS];
        uint32_t rows[32];
    } low = {{{0}}}, high = {{{0}}}, sample;
    for (uint32_t s = 0; s < 32; s++)
        sample.rows[s] = s;
    for (size_t k = 0; k < count; k++) {
        fed_uvec_t *to = k < 32 ? low.words : high.words;
        FED_UNROLL
        for (int t = 0; t < VECTORS; t++)
            to[t] |= (((columns[k] - (fed_uvec_t){0}) >> sample.words[t]) & 1) << (k % 32);
    }
    for (size_t s = 0; s < 32; s++)
        rows[s] = low.rows[s] | (uint64_t)high.rows[s] << 32;
}

/* Bit i of the result is set where x[i] != 0, for up to 64 entries. A NaN counts as not
 * zero. */
static inline uint64_t fed_mask_row(size_t count, const float *x) {
    uint64_t mask = 0;
    size_t i = 0;
    for (; i + FED_LANES <= count; i += FED_LANES)
        mask |= fed_vec_nonzero(*(const fed_vec_unaligned_t *)(x + i)) << i;
    for (; i < count; i++)
        mask |= (uint64_t)(x[i] != 0.0f) << i;
    return mask;
}

/* The lowest `count` <= 64 bits. */
static inline uint64_t fed_mask_full(size_t count) {
    return count < 64 ? (UINT64_C(1) << count) - 1 : UINT64_MAX;
}

#endif
