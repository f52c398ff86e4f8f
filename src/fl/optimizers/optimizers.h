/* The optimizers that are compiled in: a new one is a line here and in optimizers.c. */
#ifndef FEDMPI_FL_OPTIMIZERS_OPTIMIZERS_H
#define FEDMPI_FL_OPTIMIZERS_OPTIMIZERS_H

#include "fedmpi/fl/optimizer.h"

extern const fed_optimizer_t fed_optimizer_sgd, fed_optimizer_adam, fed_optimizer_adamw;

#endif
