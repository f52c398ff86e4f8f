/* Each client on its own, with one probability: what accounts of privacy assume. */
#include "samplers.h"

typedef struct options {
    double participation;
} options_t;

static const fed_key_t keys[] = {
    FED_REAL(options_t, participation, 0, 1, "0.1",
             "poisson: probability that a client is drawn in a round", .above_minimum = true),
};

static const fed_key_group_t poisson_keys = FED_KEY_GROUP("federated", options_t, keys);

static double probability(const fed_config_t *config) {
    const options_t *options = fed_config_options(config, &poisson_keys);
    return options->participation;
}

static size_t draw(const fed_draw_t *draw) {
    double participation = probability(draw->config);
    size_t drawn = 0;
    for (size_t i = 0; i < draw->available; i++)
        if (fed_random_uniform(&draw->stream, draw->pool[i]) < participation)
            draw->chosen[drawn++] = draw->pool[i];
    return drawn;
}

const fed_sampler_t fed_sampler_poisson = {
    .plugin = {.name = "poisson",
               .summary = "each client on its own, with probability federated.participation",
               .keys = {&poisson_keys}},
    .draws_any_number = true,
    .probability = probability,
    .draw = draw,
};
