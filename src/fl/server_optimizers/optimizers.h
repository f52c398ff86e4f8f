/* The server optimizers that are compiled in: a new one is a line here and in
 * optimizers.c. */
#ifndef FEDMPI_FL_SERVER_OPTIMIZERS_OPTIMIZERS_H
#define FEDMPI_FL_SERVER_OPTIMIZERS_OPTIMIZERS_H

#include "fedmpi/fl/server_optimizer.h"

extern const fed_server_optimizer_t fed_server_sgd, fed_server_momentum, fed_server_adagrad,
    fed_server_adam, fed_server_yogi;

/* For optimizers with a first moment. */
typedef struct fed_beta1_options {
    double beta1;
} fed_beta1_options_t;

FED_DECLARE_OPTIONS(fed_beta1)

#endif
