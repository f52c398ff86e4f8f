/** Server optimizers: how an averaged update changes the global model.
 *
 * The update stands for the negative gradient (Reddi et al. 2021, "Adaptive Federated
 * Optimization", Algorithm 2). An optimizer is one const struct and its name in optimizers.h.
 */
#ifndef FEDMPI_FL_SERVER_OPTIMIZER_H
#define FEDMPI_FL_SERVER_OPTIMIZER_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/fl/slots.h"

#include <stddef.h>

/** A step of the server. */
typedef struct fed_server_step {
    const fed_config_t *config;
    const fed_slots_t *slots;
    const double *update; /**< [parameters] */
    double *server_state; /**< the block of FED_OWNER_SERVER */
    float *w;             /**< [in,out] [parameters] */
} fed_server_step_t;

/** The memory of one of the optimizer's slots. */
double *fed_server_slot(const fed_server_step_t *step, const fed_slot_t *slot);

typedef struct fed_server_optimizer {
    fed_plugin_t plugin;
    const fed_slot_t *const *slots; /**< of FED_OWNER_SERVER, [slot_count], see FED_SLOTS */
    size_t slot_count;

    /** Optional: its slots' values before round 1, where those are not zero. There is no
     * update yet, and no w. */
    void (*start)(const fed_server_step_t *before);

    /** Required: apply an update. Local. */
    void (*step)(const fed_server_step_t *step);
} fed_server_optimizer_t;

/** The table behind federated.server_optimizer. */
extern const fed_plugin_table_t fed_server_optimizers;

typedef struct fed_server_optimizer_options {
    const fed_plugin_t *server_optimizer; /**< a fed_server_optimizer_t */
    double server_learning_rate;
} fed_server_optimizer_options_t;

FED_DECLARE_OPTIONS(fed_server_optimizer)

/** The optimizer that the configuration names. */
const fed_server_optimizer_t *fed_server_optimizer_of(const fed_config_t *config);

#endif
