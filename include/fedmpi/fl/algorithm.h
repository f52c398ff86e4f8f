/** Algorithms: what the server makes of the clients' averaged update.
 *
 * An algorithm is one const struct in one file and a line in algorithm.c.
 */
#ifndef FEDMPI_FL_ALGORITHM_H
#define FEDMPI_FL_ALGORITHM_H

#include "fedmpi/core/config.h"
#include "fedmpi/core/plugin.h"

#include <stddef.h>

typedef struct fed_algorithm {
    fed_plugin_t plugin;
    /** The new global parameters from the averaged update sum_k p_k (w_k - w). Server only.
     * @param update [n]; @param w [in,out] [n] */
    void (*server_step)(size_t n, const double *update, float *w);
} fed_algorithm_t;

/** The table behind federated.algorithm. */
extern const fed_plugin_table_t fed_algorithms;

/** The algorithm that the configuration names; FED_INPUT lists the valid ones. */
fed_status_t fed_algorithm_find(const fed_config_t *config, const fed_algorithm_t **algorithm);

#endif
