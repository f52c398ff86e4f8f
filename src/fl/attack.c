/* The table of attacks, and who attacks. */
#include "fl/attacks/attacks.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/core/memory.h"

static const fed_plugin_t *const attack_entries[] = {
    &fed_attack_sign_flip.plugin,
    &fed_attack_gaussian.plugin,
    &fed_attack_label_flip.plugin,
};

const fed_plugin_table_t fed_attacks = {
    .kind = "attack",
    .key = "federated.attack",
    .entries = attack_entries,
    .count = sizeof attack_entries / sizeof *attack_entries,
};

fed_status_t fed_attack_find(const fed_config_t *config, const fed_attack_t **attack) {
    return fed_config_choose(config, &fed_attacks, config->federated.attack,
                             (const fed_plugin_t **)attack);
}

fed_status_t fed_byzantine_check(const fed_config_t *config, size_t clients) {
    if ((size_t)config->federated.byzantine_clients > clients)
        return fed_config_fail(config, "federated.byzantine_clients", "there are %zu clients",
                               clients);
    return FED_OK;
}

void fed_byzantine_init(fed_byzantine_t *byzantine, const fed_config_t *config,
                        const fed_attack_t *attack, size_t clients) {
    size_t count = (size_t)config->federated.byzantine_clients;
    *byzantine = (fed_byzantine_t){.attack = attack};
    if (count == 0)
        return;
    byzantine->clients = FED_NEW_ARRAY(bool, clients);
    FED_AUTOFREE uint32_t *order = FED_NEW_ARRAY(uint32_t, clients);
    for (size_t k = 0; k < clients; k++)
        order[k] = (uint32_t)k;
    fed_stream_t stream = {.seed = (uint64_t)config->experiment.seed,
                           .purpose = FED_RANDOM_BYZANTINE};
    fed_random_permute(&stream, order, clients);
    for (size_t i = 0; i < count; i++)
        byzantine->clients[order[i]] = true;
}

void fed_byzantine_fini(fed_byzantine_t *byzantine) {
    fed_free(byzantine->clients);
    *byzantine = (fed_byzantine_t){0};
}

const fed_attack_t *fed_byzantine_attack(const fed_byzantine_t *byzantine, uint32_t client) {
    bool attacks = byzantine && byzantine->clients && byzantine->clients[client];
    return attacks ? byzantine->attack : NULL;
}
