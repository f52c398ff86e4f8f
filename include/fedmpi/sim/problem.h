/** The problem: what is trained, on whose data, by which method. */
#ifndef FEDMPI_SIM_PROBLEM_H
#define FEDMPI_SIM_PROBLEM_H

#include "fedmpi/config/config.h"
#include "fedmpi/data/dataset.h"
#include "fedmpi/data/partition.h"
#include "fedmpi/fl/method.h"
#include "fedmpi/nn/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The same on every rank; all borrowed. */
typedef struct fed_problem {
    const fed_config_t *config;
    const fed_method_t *method; /**< settled */
    const fed_model_t *model;
    const fed_dataset_t *dataset;
    const fed_partition_t *partition;
    const fed_partition_t *holdout; /**< each client's samples for its own evaluation */
} fed_problem_t;

/** Is this client one of federated.tracked_clients? */
bool fed_problem_tracks(const fed_problem_t *problem, uint32_t client);

/** Local epochs of a client in a round. */
size_t fed_problem_epochs(const fed_problem_t *problem, uint32_t client);

/** Training time of a client in a round, in samples: what it trains on, its update, its
 * evaluations. */
size_t fed_problem_cost(const fed_problem_t *problem, uint32_t client);

#endif
