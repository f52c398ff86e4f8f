/* Rates that fall by training.decay over training.decay_rounds: in steps, or all the time. */
#include "schedules.h"

#include <math.h>

typedef struct options {
    double decay;
    int64_t decay_rounds;
} options_t;

/* clang-format off */
static const fed_key_t keys[] = {
    FED_REAL(options_t, decay, 0, 1, "0.1", "factor on the learning rate: every decay_rounds (step), over each decay_rounds (exponential), at their end (cosine)", .above_minimum = true),
    FED_INTEGER(options_t, decay_rounds, 1, 10000000, "100", "rounds of the schedule: from one decay to the next (step, exponential), from start to end (cosine)"),
};
/* clang-format on */

static const fed_key_group_t decay_keys = FED_KEY_GROUP("training", options_t, keys);

static const options_t *options_of(const fed_config_t *config) {
    return fed_config_options(config, &decay_keys);
}

/* Of training.decay_rounds, before this round. */
static double passed(const fed_config_t *config, int64_t round) {
    return (double)(round - 1) / (double)options_of(config)->decay_rounds;
}

static double step(const fed_config_t *config, int64_t round) {
    return pow(options_of(config)->decay, floor(passed(config, round)));
}

static double exponential(const fed_config_t *config, int64_t round) {
    return pow(options_of(config)->decay, passed(config, round));
}

/* Loshchilov & Hutter 2017, "SGDR", equation 5, without restarts. */
static double cosine(const fed_config_t *config, int64_t round) {
    double decay = options_of(config)->decay;
    return decay + (1 - decay) * (1 + cos(M_PI * fmin(passed(config, round), 1))) / 2;
}

const fed_schedule_t fed_schedule_step = {
    .plugin = {.name = "step",
               .summary = "times training.decay after every training.decay_rounds",
               .keys = {&decay_keys}},
    .factor = step,
};

const fed_schedule_t fed_schedule_exponential = {
    .plugin = {.name = "exponential",
               .summary = "times training.decay over each training.decay_rounds, smoothly",
               .keys = {&decay_keys}},
    .factor = exponential,
};

const fed_schedule_t fed_schedule_cosine = {
    .plugin = {.name = "cosine",
               .summary = "half a cosine, at training.decay after training.decay_rounds",
               .keys = {&decay_keys}},
    .factor = cosine,
};
