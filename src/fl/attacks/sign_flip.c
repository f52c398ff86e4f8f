/* The update turned round: away from where the client's samples point. */
#include "attacks.h"

static void pretend(const fed_config_t *config, const fed_stream_t *stream, size_t parameters,
                    const float *global, float *w) {
    (void)stream;
    float scale = (float)fed_attack_scale_options(config)->attack_scale;
    for (size_t j = 0; j < parameters; j++)
        w[j] = global[j] - scale * (w[j] - global[j]);
}

const fed_attack_t fed_attack_sign_flip = {
    .plugin = {.name = "sign_flip",
               .summary = "sends its update times -federated.attack_scale",
               .keys = {&fed_attack_scale_keys}},
    .pretend = pretend,
};
