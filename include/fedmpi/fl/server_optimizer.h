/** Server optimizers: how an averaged update changes the global model.
 *
 * The update stands for the negative gradient (Reddi et al. 2021, "Adaptive Federated
 * Optimization", Algorithm 2). An optimizer is one const struct and a line in server.c.
 */
#ifndef FEDMPI_FL_SERVER_OPTIMIZER_H
#define FEDMPI_FL_SERVER_OPTIMIZER_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"

#include <stddef.h>

typedef struct fed_server_optimizer {
    fed_plugin_t plugin;
    size_t kept; /**< vectors that it keeps from round to round, [n] each */

    /** Optional: their values before round 1, where those are not zero. */
    void (*start)(const fed_config_t *config, size_t n, double *kept);

    /** Required: apply an update. Local.
     * @param update [in] [n]; @param kept [in,out] [kept][n]; @param w [in,out] [n] */
    void (*step)(const fed_config_t *config, size_t n, const double *update, double *kept,
                 float *w);
} fed_server_optimizer_t;

/** The table behind federated.server_optimizer. */
extern const fed_plugin_table_t fed_server_optimizers;

/** The optimizer that the configuration names; FED_INPUT lists the valid ones. */
fed_status_t fed_server_optimizer_find(const fed_config_t *config,
                                       const fed_server_optimizer_t **optimizer);

#endif
