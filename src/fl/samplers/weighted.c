/* K clients in proportion to their samples, without replacement: with it, uniform weights
 * would give each client its share (Li et al. 2020, "On the Convergence of FedAvg on Non-IID
 * Data", scheme I); without it, large clients take part less often than their share. */
#include "samplers.h"

#include "fedmpi/core/memory.h"

/* A tree of sums (Fenwick 1994) over the clients' samples. */

/* tree[i], from 1, is the sum of the entries i - lowbit(i) + 1 .. i; add to one entry. */
static void tree_add(size_t *tree, size_t count, size_t entry, size_t amount) {
    for (size_t i = entry + 1; i <= count; i += i & -i)
        tree[i] += amount; /* modulo 2^64: negative amounts subtract */
}

/* The entry in whose part of the sum the position lies. */
static size_t tree_find(const size_t *tree, size_t count, size_t position) {
    size_t at = 0, stride = 1;
    while (stride * 2 <= count)
        stride *= 2;
    for (; stride > 0; stride /= 2)
        if (at + stride <= count && tree[at + stride] <= position) {
            at += stride;
            position -= tree[at];
        }
    return at;
}

/* One after another, each of those left in proportion to its samples. */
static size_t draw(const fed_draw_t *draw) {
    size_t available = draw->available;
    FED_AUTOFREE size_t *tree = FED_NEW_ARRAY(size_t, available + 1);
    size_t total = 0, drawn = 0;
    for (size_t i = 0; i < available; i++) {
        size_t samples = fed_partition_count(draw->partition, draw->pool[i]);
        tree_add(tree, available, i, samples);
        total += samples;
    }
    for (; drawn < draw->wanted && total > 0; drawn++) {
        size_t position = fed_random_below(&draw->stream, (uint32_t)drawn, (uint32_t)total);
        size_t entry = tree_find(tree, available, position);
        draw->chosen[drawn] = draw->pool[entry];
        size_t samples = fed_partition_count(draw->partition, draw->pool[entry]);
        tree_add(tree, available, entry, -samples);
        total -= samples;
    }
    return drawn;
}

const fed_sampler_t fed_sampler_weighted = {
    .plugin = {.name = "weighted",
               .summary = "K clients, in proportion to their samples, none twice"},
    .draw = draw,
};
