/** Attacks: what simulated Byzantine clients do, to show what aggregation rules are worth.
 *
 * An attack is one const struct in one file and its name in attacks.h. An honest client's
 * training and an attacker's are the same but for it: the attacker may train on labels of its
 * own, and may pretend to have ended elsewhere, which is the first link of its chain
 * (fl/encoder.h). Vectors beside the update (SCAFFOLD's change of its control) are those of its
 * honest training: attacks are on the model.
 */
#ifndef FEDMPI_FL_ATTACK_H
#define FEDMPI_FL_ATTACK_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/core/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fed_attack {
    fed_plugin_t plugin;

    /** Optional: the label that the client trains on in place of its own. */
    int32_t (*relabel)(int32_t label, size_t classes);

    /** Optional: put what the client pretends in place of its parameters.
     * @param stream  its own in this round; index: parameter
     * @param global  [parameters]
     * @param w       [in,out] [parameters] */
    void (*pretend)(const fed_config_t *config, const fed_stream_t *stream, size_t parameters,
                    const float *global, float *w);
} fed_attack_t;

/** The table behind federated.attack. */
extern const fed_plugin_table_t fed_attacks;

typedef struct fed_attack_options {
    int64_t byzantine_clients;
    const fed_plugin_t *attack; /**< a fed_attack_t */
} fed_attack_options_t;

FED_DECLARE_OPTIONS(fed_attack)

/** The attack that the configuration names. */
const fed_attack_t *fed_attack_of(const fed_config_t *config);

/** Who attacks, and how. */
typedef struct fed_byzantine {
    const fed_attack_t *attack;
    bool *attackers; /**< [clients]; NULL: all are honest */
} fed_byzantine_t;

/** FED_INPUT if there are fewer clients than federated.byzantine_clients. */
fed_status_t fed_byzantine_check(const fed_config_t *config, size_t clients);

/** Choose federated.byzantine_clients of the clients by the seed. */
void fed_byzantine_init(fed_byzantine_t *byzantine, const fed_config_t *config,
                        const fed_attack_t *attack, size_t clients);
void fed_byzantine_fini(fed_byzantine_t *byzantine);

/** The client's attack; NULL: it is honest. */
const fed_attack_t *fed_byzantine_attack(const fed_byzantine_t *byzantine, uint32_t client);

#endif
