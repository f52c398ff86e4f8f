/* Sums of rows with few factors; see combine.h. */
#include "combine.h"
#include "kernels.h"
#include "mask.h"
#include "vector.h"

enum {
    GROUP = FED_LIST_CHANNELS,
    TILE_MAX = FED_COMBINE_MAX / FED_COMBINE_FLOATS,
    /* A sum is one part, and registers are left for the sums of a second list. */
    HAS_ROOM_FOR_PAIRS = (int)FED_LANES == (int)FED_COMBINE_FLOATS,
};

FED_INLINE void combine_list(int tile, const fed_entry_t *entry, const fed_entry_t *end,
                             const float *rows, float *sums) {
    fed_vec_unaligned_t *to = (fed_vec_unaligned_t *)sums;
    fed_vec_t sum[TILE_MAX];
    FED_UNROLL
    for (int t = 0; t < tile; t++)
        sum[t] = to[t];
    for (; entry < end; entry++) {
        const fed_vec_unaligned_t *row = (const fed_vec_unaligned_t *)(rows + entry->offset);
        fed_vec_t factor = entry->value - (fed_vec_t){0};
        FED_UNROLL
        for (int t = 0; t < tile; t++)
            sum[t] += factor * row[t];
    }
    FED_UNROLL
    for (int t = 0; t < tile; t++)
        to[t] = sum[t];
}

/* Two lists with equal offsets share the loads of rows. */
FED_INLINE void combine_pair(int tile, size_t count, const fed_entry_t *a, const fed_entry_t *b,
                             const float *rows, float *sums_a, float *sums_b) {
    fed_vec_unaligned_t *to_a = (fed_vec_unaligned_t *)sums_a;
    fed_vec_unaligned_t *to_b = (fed_vec_unaligned_t *)sums_b;
    fed_vec_t sum_a[TILE_MAX], sum_b[TILE_MAX];
    FED_UNROLL
    for (int t = 0; t < tile; t++) {
        sum_a[t] = to_a[t];
        sum_b[t] = to_b[t];
    }
    for (size_t k = 0; k < count; k++) {
        const fed_vec_unaligned_t *row = (const fed_vec_unaligned_t *)(rows + a[k].offset);
        fed_vec_t factor_a = a[k].value - (fed_vec_t){0};
        fed_vec_t factor_b = b[k].value - (fed_vec_t){0};
        FED_UNROLL
        for (int t = 0; t < tile; t++) {
            fed_vec_t shared = row[t];
            sum_a[t] += factor_a * shared;
            sum_b[t] += factor_b * shared;
        }
    }
    FED_UNROLL
    for (int t = 0; t < tile; t++)
        to_a[t] = sum_a[t];
    FED_UNROLL
    for (int t = 0; t < tile; t++) /* after all of a, whose end may reach over b's start */
        to_b[t] = sum_b[t];
}

/* A sum of `units` times 16 floats, in as many equal parts as its vectors need. */
FED_INLINE void combine_parts(int units, const fed_combine_t *c, size_t list, float *sums) {
    const fed_entry_t *begin = c->entries + c->begin[list], *end = c->entries + c->end[list];
    for (int part = 0; begin < end && part < FED_COMBINE_FLOATS / FED_LANES; part++) {
        int first = part * units * FED_LANES;
        combine_list(units, begin, end, c->rows + first, sums + first);
    }
}

FED_INLINE bool is_full(const fed_combine_t *c, size_t list) {
    return c->end[list] - c->begin[list] == c->full;
}

FED_INLINE void combine_units(int units, const fed_combine_t *c) {
    for (size_t r = 0, rows; r < c->count_r; r += rows) {
        rows = HAS_ROOM_FOR_PAIRS && r + 1 < c->count_r ? 2 : 1;
        for (size_t i = 0; i < c->count_i; i++) {
            size_t list = r * c->count_i + i, next = list + c->count_i;
            float *sums = c->sums + r * c->stride_r + i * c->stride_i;
            if (rows == 2 && is_full(c, list) && is_full(c, next)) {
                combine_pair(units, c->full, c->entries + c->begin[list],
                             c->entries + c->begin[next], c->rows, sums, sums + c->stride_r);
                continue;
            }
            combine_parts(units, c, list, sums);
            if (rows == 2)
                combine_parts(units, c, next, sums + c->stride_r);
        }
    }
}

#define UNITS(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13)
#define UNITS_DEFINE(units)                                                                        \
    static void combine_##units(const fed_combine_t *c) {                                          \
        combine_units(units, c);                                                                   \
    }
UNITS(UNITS_DEFINE)

void FED_SIMD_NAME(combine)(const fed_combine_t *c) {
#define UNITS_ENTRY(units) combine_##units,
    static void (*const of_units[])(const fed_combine_t *) = {UNITS(UNITS_ENTRY)};
    of_units[c->width / FED_COMBINE_FLOATS - 1](c);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

void FED_SIMD_NAME(list_by_pixel)(const fed_plane_t *plane, size_t row_floats, uint32_t *begin,
                                  fed_entry_t *entries) {
    size_t pixels = plane->height * plane->width, list = 0;
    uint32_t n = 0;
    for (size_t first = 0; first < plane->depth; first += GROUP) {
        size_t count = smaller(GROUP, plane->depth - first);
        for (size_t pixel = 0; pixel < pixels; pixel++) {
            const float *values = plane->values + pixel * plane->depth + first;
            begin[list++] = n;
            for (uint64_t mask = fed_mask_row(count, values); mask; mask &= mask - 1) {
                size_t i = (size_t)__builtin_ctzll(mask);
                entries[n++] = (fed_entry_t){(uint32_t)((first + i) * row_floats), values[i]};
            }
        }
    }
    begin[list] = n;
}

void FED_SIMD_NAME(list_by_channel)(const fed_plane_t *plane, size_t stride_y, size_t stride_x,
                                    size_t list_capacity, uint32_t *begin, uint32_t *end,
                                    fed_entry_t *entries) {
    for (size_t c = 0; c < plane->depth; c++)
        begin[c] = end[c] = (uint32_t)(c * list_capacity);
    const float *values = plane->values;
    for (size_t y = 0; y < plane->height; y++)
        for (size_t x = 0; x < plane->width; x++, values += plane->depth) {
            uint32_t offset = (uint32_t)(y * stride_y + x * stride_x);
            for (size_t first = 0; first < plane->depth; first += GROUP) {
                uint64_t mask = fed_mask_row(smaller(GROUP, plane->depth - first), values + first);
                for (; mask; mask &= mask - 1) {
                    size_t c = first + (size_t)__builtin_ctzll(mask);
                    entries[end[c]++] = (fed_entry_t){offset, values[c]};
                }
            }
        }
}
