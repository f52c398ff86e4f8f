/** [federated]: what every protocol has. */
#ifndef FEDMPI_SIM_FEDERATED_H
#define FEDMPI_SIM_FEDERATED_H

#include "fedmpi/config/config.h"

typedef enum fed_weighting { FED_WEIGHT_SAMPLES, FED_WEIGHT_UNIFORM } fed_weighting_t;
typedef enum fed_collective { FED_COLLECTIVE_GATHER, FED_COLLECTIVE_REDUCE } fed_collective_t;

typedef struct fed_federated_options {
    bool enabled;
    int64_t rounds;
    fed_weighting_t weighting;
    fed_collective_t collective;
    int64_t evaluate_every;
    fed_list_t tracked_clients;
} fed_federated_options_t;

FED_DECLARE_OPTIONS(fed_federated)

#endif
