/* The attacks that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_FL_ATTACKS_ATTACKS_H
#define FEDMPI_FL_ATTACKS_ATTACKS_H

#include "fedmpi/fl/attack.h"

/* For attacks that have a size. */
typedef struct fed_attack_scale_options {
    double attack_scale;
} fed_attack_scale_options_t;

FED_DECLARE_OPTIONS(fed_attack_scale)

#define FED_ATTACKS(each)                                                                          \
    each(fed_attack_sign_flip), each(fed_attack_gaussian), each(fed_attack_label_flip)

extern const fed_attack_t FED_ATTACKS(FED_PLUGIN_ITSELF);

#endif
