/* The update turned round: away from where the client's samples point. */
#include "attacks.h"

static void pretend(const fed_config_t *config, const fed_stream_t *stream, size_t parameters,
                    const float *global, float *w) {
    (void)stream;
    float scale = (float)config->federated.attack_scale;
    for (size_t j = 0; j < parameters; j++)
        w[j] = global[j] - scale * (w[j] - global[j]);
}

const fed_attack_t fed_attack_sign_flip = {
    .plugin = {"sign_flip", "sends its update times -federated.attack_scale"},
    .pretend = pretend,
};
