/* Labels turned round, an attack by data: Tolpegin et al. 2020, "Data Poisoning Attacks
 * Against Federated Learning Systems". */
#include "attacks.h"

static int32_t relabel(int32_t label, size_t classes) {
    return (int32_t)classes - 1 - label;
}

const fed_attack_t fed_attack_label_flip = {
    .plugin = {.name = "label_flip", .summary = "trains on turned labels, class c as classes-1-c"},
    .relabel = relabel,
};
