/* K clients, each equally likely: McMahan et al. 2017, Algorithm 1. */
#include "samplers.h"

static void swap(uint32_t *a, uint32_t *b) {
    uint32_t was = *a;
    *a = *b;
    *b = was;
}

/* The first K steps of a shuffle of the pool; `chosen` remembers the swaps, which
 * are then undone, so that a draw costs K and not the number of clients. */
static size_t draw(const fed_draw_t *draw) {
    uint32_t *pool = draw->pool, *chosen = draw->chosen;
    size_t available = draw->available;
    size_t drawn = draw->wanted < available ? draw->wanted : available;
    for (size_t i = 0; i < drawn; i++) {
        uint32_t left = (uint32_t)(available - i);
        chosen[i] = (uint32_t)i + fed_random_below(&draw->stream, (uint32_t)i, left);
        swap(&pool[i], &pool[chosen[i]]);
    }
    for (size_t i = drawn; i-- > 0;) {
        uint32_t client = pool[i];
        swap(&pool[i], &pool[chosen[i]]);
        chosen[i] = client;
    }
    return drawn;
}

const fed_sampler_t fed_sampler_uniform = {
    .plugin = {.name = "uniform", .summary = "K clients, equally likely (McMahan et al. 2017)"},
    .draw = draw,
};
