/* Each client on its own, with one probability: what accounts of privacy assume. */
#include "samplers.h"

static size_t draw(const fed_draw_t *draw) {
    double probability = draw->config->federated.participation;
    size_t drawn = 0;
    for (size_t i = 0; i < draw->available; i++)
        if (fed_random_uniform(&draw->stream, draw->pool[i]) < probability)
            draw->chosen[drawn++] = draw->pool[i];
    return drawn;
}

const fed_sampler_t fed_sampler_poisson = {
    .plugin = {"poisson", "each client on its own, with probability federated.participation"},
    .draws_any_number = true,
    .draw = draw,
};
