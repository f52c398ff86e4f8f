/** [experiment]: what every room may ask for. */
#ifndef FEDMPI_CONFIG_EXPERIMENT_H
#define FEDMPI_CONFIG_EXPERIMENT_H

#include "fedmpi/config/config.h"

typedef struct fed_experiment_options {
    const char *name;
    int64_t seed;
} fed_experiment_options_t;

FED_DECLARE_OPTIONS(fed_experiment)

/** The seed of everything random. */
uint64_t fed_seed(const fed_config_t *config);

#endif
