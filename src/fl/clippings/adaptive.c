/* The bound follows a quantile of the updates' lengths: Andrew et al. 2021, "Differentially Private
 * Learning with Adaptive Clipping", Algorithm 1. Each client tells whether it was within the bound,
 * less a half, so that one more client changes that sum by a half; the sum gets noise of its own.
 */
#include "clippings.h"

#include "fedmpi/fl/algorithm.h"

#include <math.h>

typedef struct options {
    double clip_quantile, clip_learning_rate, clip_count_noise;
} options_t;

/* clang-format off */
static const fed_key_t keys[] = {
    FED_REAL(options_t, clip_quantile, 0, 1, "0.5", "adaptive: gamma, part of the updates that shall be within the bound"),
    FED_REAL(options_t, clip_learning_rate, 0, 10, "0.2", "adaptive: eta, the bound is multiplied by exp(-eta (part within - gamma)) each round", .above_minimum = true),
    FED_REAL(options_t, clip_count_noise, 0, 1e9, "0", "adaptive: sigma_b, deviation of the noise on how many clients are within, in clients; 0: a twentieth of those that are expected in a round, and noise_multiplier at least"),
};
/* clang-format on */

static const fed_key_group_t adaptive_keys = FED_KEY_GROUP("privacy", options_t, keys);

static const fed_slot_t bound_slot = {FED_OWNER_DOWN, "clip_norm", 1};
const fed_slot_t fed_slot_within = {FED_OWNER_UP, "within", 1};

static const options_t *options_of(const fed_config_t *config) {
    return fed_config_options(config, &adaptive_keys);
}

/* In what a client can change, which is a half. */
static double own_noise(const fed_config_t *config, const fed_privacy_t *privacy) {
    double sigma = options_of(config)->clip_count_noise;
    return 2 * (sigma > 0 ? sigma : fmax(privacy->expected / 20, privacy->noise));
}

static fed_status_t check(const fed_config_t *config, const fed_privacy_t *privacy) {
    if (privacy->noise < own_noise(config, privacy))
        return FED_OK;
    return fed_config_fail(config, "privacy.clip_count_noise",
                           "with so little noise on how many clients are within the bound nothing "
                           "is left for updates; accepted is more than %g, half of the noise "
                           "multiplier",
                           privacy->noise / 2);
}

/* Theorem 1: both together cost what one mechanism with noise z costs. */
static double noise(const fed_config_t *config, const fed_privacy_t *privacy) {
    double z = privacy->noise, own = own_noise(config, privacy);
    return z > 0 ? 1 / sqrt(1 / (z * z) - 1 / (own * own)) : 0;
}

static void start(const fed_config_t *config, const fed_slots_t *slots, float *down) {
    down[fed_slots_place(slots, &bound_slot)->offset] =
        (float)fed_clipping_options(config)->clip_norm;
}

static double bound(const fed_slots_t *slots, const float *down) {
    return (double)down[fed_slots_place(slots, &bound_slot)->offset];
}

static void step(const fed_aggregate_t *round) {
    const options_t *options = options_of(round->config);
    float *bound_now = fed_round_down(round, &bound_slot);
    double within = *fed_round_up(round, &fed_slot_within) + 0.5;
    double next =
        (double)*bound_now * exp(-options->clip_learning_rate * (within - options->clip_quantile));
    *bound_now = (float)fmin(fmax(next, 1e-30), 1e30);
}

const fed_clipping_t fed_clipping_adaptive = {
    .plugin = {.name = "adaptive",
               .summary = "C follows a quantile of the updates' lengths, from privacy.clip_norm on "
                          "(Andrew et al. 2021)",
               .keys = {&adaptive_keys}},
    FED_SLOTS(&bound_slot, &fed_slot_within),
    .check = check,
    .noise = noise,
    .own_noise = own_noise,
    .start = start,
    .bound = bound,
    .step = step,
};
