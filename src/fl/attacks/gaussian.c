/* Noise in place of an update: Blanchard et al. 2017, section 5. */
#include "attacks.h"

#include <math.h>

/* Mean 0, deviation 1: the sum of eight uniform numbers, in integers, so that it is the
 * same on every machine. Its tails end at 4.9 deviations. */
static double normal(const fed_stream_t *stream, uint32_t index) {
    uint32_t words[4];
    int64_t sum = 0;
    fed_random_words(stream, index, words);
    for (size_t i = 0; i < 4; i++)
        sum += (int64_t)(words[i] & 0xffff) + (int64_t)(words[i] >> 16) - 0xffff;
    return (double)sum / sqrt(8 * (0x1p32 - 1) / 12);
}

static void pretend(const fed_config_t *config, const fed_stream_t *stream, size_t parameters,
                    const float *global, float *w) {
    float scale = (float)fed_attack_scale_options(config)->attack_scale;
    for (size_t j = 0; j < parameters; j++)
        w[j] = global[j] + scale * (float)normal(stream, (uint32_t)j);
}

const fed_attack_t fed_attack_gaussian = {
    .plugin = {.name = "gaussian",
               .summary = "sends noise of deviation federated.attack_scale (Blanchard et al. "
                          "2017)",
               .keys = {&fed_attack_scale_keys}},
    .pretend = pretend,
};
