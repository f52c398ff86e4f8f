/* Sums of rows with few factors: the inner loop of convolutions.
 *
 * A list of entries (value, row) stands for the non-zero part of a row of factors;
 * its sum is the rows that it names, each times its value, added in order with one
 * fused multiply-add each. A tile of the sum stays in registers while the list is
 * walked; the rows come from the first-level cache.
 */
#ifndef FEDMPI_MATH_SIMD_COMBINE_H
#define FEDMPI_MATH_SIMD_COMBINE_H

#include <stddef.h>
#include <stdint.h>

/* The width of a sum is a multiple of the widest vector, and not larger than what
 * stays in the registers of every instruction set, in up to four parts. */
enum { FED_COMBINE_FLOATS = 16, FED_COMBINE_MAX = 13 * FED_COMBINE_FLOATS };

/* Channels whose values a pixel's list takes together: one mask of bits. */
enum { FED_LIST_CHANNELS = 32 };

typedef struct {
    uint32_t offset; /* where the row starts, in floats */
    float value;
} fed_entry_t;

/* sums[r][i][:] += sum over the entries e of list [r][i] of e.value rows[e.offset + :] */
typedef struct {
    size_t count_r, count_i;
    const uint32_t *begin, *end; /* [count_r][count_i]: the list is entries[begin .. end-1] */
    const fed_entry_t *entries;
    const float *rows;
    float *sums; /* at r * stride_r + i * stride_i; those of one r may overlap */
    size_t stride_r, stride_i;
    size_t full;  /* entries of a list without zeros: such lists of one i have equal offsets */
    size_t width; /* at least 1 and at most 13 times FED_COMBINE_FLOATS */
} fed_combine_t;

/* An image [pixels][depth] whose non-zero values become entries. */
typedef struct {
    size_t height, width, depth;
    const float *values;
} fed_plane_t;

#endif
