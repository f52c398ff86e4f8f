/* Byzantine clients. */
#include "fedmpi/fl/attack.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/random.h"

#include <math.h>

fed_status_t fed_attack_check(const fed_config_t *config, size_t clients) {
    if ((size_t)config->federated.byzantine_clients > clients)
        return fed_config_fail(config, "federated.byzantine_clients", "there are %zu clients",
                               clients);
    return FED_OK;
}

void fed_attack_init(fed_attack_t *attack, const fed_config_t *config, size_t clients) {
    size_t byzantine = (size_t)config->federated.byzantine_clients;
    *attack = (fed_attack_t){
        .kind = (fed_attack_kind_t)config->federated.attack,
        .scale = config->federated.attack_scale,
        .seed = (uint64_t)config->experiment.seed,
    };
    if (byzantine == 0)
        return;
    attack->byzantine = FED_NEW_ARRAY(bool, clients);
    FED_AUTOFREE uint32_t *order = FED_NEW_ARRAY(uint32_t, clients);
    for (size_t k = 0; k < clients; k++)
        order[k] = (uint32_t)k;
    fed_stream_t stream = {.seed = attack->seed, .purpose = FED_RANDOM_BYZANTINE};
    fed_random_permute(&stream, order, clients);
    for (size_t i = 0; i < byzantine; i++)
        attack->byzantine[order[i]] = true;
}

void fed_attack_fini(fed_attack_t *attack) {
    fed_free(attack->byzantine);
    *attack = (fed_attack_t){0};
}

bool fed_attack_is_byzantine(const fed_attack_t *attack, uint32_t client) {
    return attack->byzantine && attack->byzantine[client];
}

bool fed_attack_flips_labels(const fed_attack_t *attack, uint32_t client) {
    return fed_attack_is_byzantine(attack, client) && attack->kind == FED_ATTACK_LABEL_FLIP;
}

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

void fed_attack_update(const fed_attack_t *attack, uint32_t client, uint32_t round,
                       size_t parameters, const float *global, float *w) {
    if (!fed_attack_is_byzantine(attack, client))
        return;
    fed_stream_t stream = {
        .seed = attack->seed, .purpose = FED_RANDOM_ATTACK, .who = client, .when = round};
    float scale = (float)attack->scale;
    if (attack->kind == FED_ATTACK_SIGN_FLIP)
        for (size_t j = 0; j < parameters; j++)
            w[j] = global[j] - scale * (w[j] - global[j]);
    else if (attack->kind == FED_ATTACK_GAUSSIAN)
        for (size_t j = 0; j < parameters; j++)
            w[j] = global[j] + scale * (float)normal(&stream, (uint32_t)j);
}
