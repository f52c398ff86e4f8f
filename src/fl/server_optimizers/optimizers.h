/* The server optimizers that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_FL_SERVER_OPTIMIZERS_OPTIMIZERS_H
#define FEDMPI_FL_SERVER_OPTIMIZERS_OPTIMIZERS_H

#include "fedmpi/fl/server_optimizer.h"

#define FED_SERVER_OPTIMIZERS(each)                                                                \
    each(fed_server_sgd), each(fed_server_momentum), each(fed_server_adagrad),                     \
        each(fed_server_adam), each(fed_server_yogi)

extern const fed_server_optimizer_t FED_SERVER_OPTIMIZERS(FED_PLUGIN_ITSELF);

/* For optimizers with a first moment. */
typedef struct fed_beta1_options {
    double beta1;
} fed_beta1_options_t;

FED_DECLARE_OPTIONS(fed_beta1)

#endif
