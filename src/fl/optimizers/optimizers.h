/* The optimizers that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_FL_OPTIMIZERS_OPTIMIZERS_H
#define FEDMPI_FL_OPTIMIZERS_OPTIMIZERS_H

#include "fedmpi/fl/optimizer.h"

#define FED_OPTIMIZERS(each)                                                                       \
    each(fed_optimizer_sgd), each(fed_optimizer_adam), each(fed_optimizer_adamw)

extern const fed_optimizer_t FED_OPTIMIZERS(FED_PLUGIN_ITSELF);

#endif
