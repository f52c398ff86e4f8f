/** Optimizers: how a mini-batch's gradient changes the parameters, on clients and in the baseline.
 *
 * An optimizer is one const struct in one file and its name in optimizers.h. SGD is part
 * of the backward pass where nothing looks at the gradient; others step on a gradient that is
 * stored. What an optimizer remembers starts from zero in each client and round, as in Reddi et
 * al. 2021, "Adaptive Federated Optimization"; the baseline's goes through all its epochs.
 */
#ifndef FEDMPI_FL_OPTIMIZER_H
#define FEDMPI_FL_OPTIMIZER_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"

#include <stddef.h>
#include <stdint.h>

/** A step, or a part of one: consecutive parameters. */
typedef struct fed_optimizer_step {
    const fed_config_t *config;
    int64_t number; /**< of the step since memory was zero, from 1 */
    float learning_rate, weight_decay;
    size_t count;
    const float *g; /**< gradient of the mean loss, [count] */
    float *memory;  /**< [in,out] vector i of it starts at memory + i * stride, [count] each */
    size_t stride;
    float *w; /**< [in,out] [count] */
} fed_optimizer_step_t;

typedef struct fed_optimizer {
    fed_plugin_t plugin;

    /** Vectors as long as the parameters that it remembers; 1 at least. */
    size_t vectors;

    /** Apply a gradient. Local. NULL: it is SGD, with the momentum of fed_momentum_keys. */
    void (*step)(const fed_optimizer_step_t *step);
} fed_optimizer_t;

/** The table behind training.optimizer. */
extern const fed_plugin_table_t fed_optimizers;

typedef struct fed_optimizer_options {
    const fed_plugin_t *optimizer; /**< a fed_optimizer_t */
} fed_optimizer_options_t;

FED_DECLARE_OPTIONS(fed_optimizer)

/** Of SGD. */
typedef struct fed_momentum_options {
    double momentum;
    bool persistent_momentum, nesterov;
} fed_momentum_options_t;

FED_DECLARE_OPTIONS(fed_momentum)

/** The optimizer that the configuration names. */
const fed_optimizer_t *fed_optimizer_of(const fed_config_t *config);

/** Does a client's momentum go on from round to round? */
bool fed_momentum_persists(const fed_config_t *config);

/** FED_INPUT, naming the optimizer: `who` has formulas for steps of SGD, and it is another. */
fed_status_t fed_optimizer_must_be_sgd(const fed_config_t *config, const char *who);

#endif
