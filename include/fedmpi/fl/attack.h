/** Attacks: simulated Byzantine clients, to show what aggregation rules are worth. */
#ifndef FEDMPI_FL_ATTACK_H
#define FEDMPI_FL_ATTACK_H

#include "fedmpi/config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fed_attack {
    fed_attack_kind_t kind;
    double scale;
    uint64_t seed;
    bool *byzantine; /**< [clients]; NULL: all are honest */
} fed_attack_t;

/** Choose federated.byzantine_clients of the clients by the seed. */
void fed_attack_init(fed_attack_t *attack, const fed_config_t *config, size_t clients);
void fed_attack_fini(fed_attack_t *attack);

/** FED_INPUT if there are fewer clients than federated.byzantine_clients. */
fed_status_t fed_attack_check(const fed_config_t *config, size_t clients);

bool fed_attack_is_byzantine(const fed_attack_t *attack, uint32_t client);

/** Does the client train on labels that are turned round, c becoming classes-1-c? */
bool fed_attack_flips_labels(const fed_attack_t *attack, uint32_t client);

/** Put what a Byzantine client pretends in place of its parameters; an honest one's stay.
 * @param global [parameters]; @param w [in,out] [parameters] */
void fed_attack_update(const fed_attack_t *attack, uint32_t client, uint32_t round,
                       size_t parameters, const float *global, float *w);

#endif
