/* The table of attacks, and who attacks. */
#include "fl/attacks/attacks.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/config/purposes.h"
#include "fedmpi/core/memory.h"

const fed_plugin_table_t fed_attacks = FED_PLUGIN_TABLE("attack", FED_ATTACKS);

/* clang-format off */
static const fed_key_t keys[] = {
    FED_INTEGER(fed_attack_options_t, byzantine_clients, 0, FED_CLIENTS_MAX, "0", "simulated clients that attack, chosen by the seed"),
    FED_NAME(fed_attack_options_t, attack, &fed_attacks, "sign_flip", "what they do: send their update times -attack_scale, noise of that deviation, or train on turned labels (c as classes-1-c)"),
};
static const fed_key_t scale_keys[] = {
    FED_REAL(fed_attack_scale_options_t, attack_scale, 0, 1e6, "1", "sign_flip, gaussian: size of the attack"),
};
/* clang-format on */

const fed_key_group_t fed_attack_keys = FED_KEY_GROUP("federated", fed_attack_options_t, keys);
const fed_key_group_t fed_attack_scale_keys =
    FED_KEY_GROUP("federated", fed_attack_scale_options_t, scale_keys);

const fed_attack_t *fed_attack_of(const fed_config_t *config) {
    return (const fed_attack_t *)fed_attack_options(config)->attack;
}

fed_status_t fed_byzantine_check(const fed_config_t *config, size_t clients) {
    if ((size_t)fed_attack_options(config)->byzantine_clients > clients)
        return fed_config_fail(config, "federated.byzantine_clients", "there are %zu clients",
                               clients);
    return FED_OK;
}

void fed_byzantine_init(fed_byzantine_t *byzantine, const fed_config_t *config,
                        const fed_attack_t *attack, size_t clients) {
    size_t count = (size_t)fed_attack_options(config)->byzantine_clients;
    *byzantine = (fed_byzantine_t){.attack = attack};
    if (count == 0)
        return;
    byzantine->attackers = FED_NEW_ARRAY(bool, clients);
    FED_AUTOFREE uint32_t *order = FED_NEW_ARRAY(uint32_t, clients);
    for (size_t k = 0; k < clients; k++)
        order[k] = (uint32_t)k;
    fed_stream_t stream = {.seed = fed_seed(config), .purpose = FED_RANDOM_BYZANTINE};
    fed_random_permute(&stream, order, clients);
    for (size_t i = 0; i < count; i++)
        byzantine->attackers[order[i]] = true;
}

void fed_byzantine_fini(fed_byzantine_t *byzantine) {
    fed_free(byzantine->attackers);
    *byzantine = (fed_byzantine_t){0};
}

const fed_attack_t *fed_byzantine_attack(const fed_byzantine_t *byzantine, uint32_t client) {
    bool attacks = byzantine && byzantine->attackers && byzantine->attackers[client];
    return attacks ? byzantine->attack : NULL;
}
