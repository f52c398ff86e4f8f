/* Rates that fall by training.decay over training.decay_rounds: in steps, or all the time. */
#include "schedules.h"

#include <math.h>

/* Of training.decay_rounds, before this round. */
static double passed(const fed_config_t *config, int64_t round) {
    return (double)(round - 1) / (double)config->training.decay_rounds;
}

static double step(const fed_config_t *config, int64_t round) {
    return pow(config->training.decay, floor(passed(config, round)));
}

static double exponential(const fed_config_t *config, int64_t round) {
    return pow(config->training.decay, passed(config, round));
}

/* Loshchilov & Hutter 2017, "SGDR", equation 5, without restarts. */
static double cosine(const fed_config_t *config, int64_t round) {
    double decay = config->training.decay;
    return decay + (1 - decay) * (1 + cos(M_PI * fmin(passed(config, round), 1))) / 2;
}

const fed_schedule_t fed_schedule_step = {
    .plugin = {"step", "times training.decay after every training.decay_rounds"},
    .factor = step,
};

const fed_schedule_t fed_schedule_exponential = {
    .plugin = {"exponential", "times training.decay over each training.decay_rounds, smoothly"},
    .factor = exponential,
};

const fed_schedule_t fed_schedule_cosine = {
    .plugin = {"cosine", "half a cosine, at training.decay after training.decay_rounds"},
    .factor = cosine,
};
