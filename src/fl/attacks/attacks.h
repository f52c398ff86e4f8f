/* The attacks that are compiled in: a new one is a line here and in attack.c. */
#ifndef FEDMPI_FL_ATTACKS_ATTACKS_H
#define FEDMPI_FL_ATTACKS_ATTACKS_H

#include "fedmpi/fl/attack.h"

/* For attacks that have a size. */
typedef struct fed_attack_scale_options {
    double attack_scale;
} fed_attack_scale_options_t;

FED_DECLARE_OPTIONS(fed_attack_scale)

extern const fed_attack_t fed_attack_sign_flip, fed_attack_gaussian, fed_attack_label_flip;

#endif
