/** The clients' learning rate over the rounds. */
#ifndef FEDMPI_FL_LEARNING_RATE_H
#define FEDMPI_FL_LEARNING_RATE_H

#include "fedmpi/config/config.h"

#include <stdint.h>

/** training.learning_rate under training.schedule; round from 1. Does not depend on the
 * number of rounds, so that a run can be prolonged. */
double fed_learning_rate(const fed_config_t *config, int64_t round);

#endif
