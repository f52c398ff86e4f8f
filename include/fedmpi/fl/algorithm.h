/** Algorithms: what a client computes besides SGD, what travels, what the server makes of it.
 *
 * An algorithm is one const struct in one file and a line in algorithm.c. It declares
 * how many n-vectors travel and are kept; communication, exact sums, states, checkpoint
 * and memory estimate size themselves from these numbers. An algorithm whose optional
 * functions are all NULL is federated averaging.
 */
#ifndef FEDMPI_FL_ALGORITHM_H
#define FEDMPI_FL_ALGORITHM_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/fl/server_optimizer.h"

#include <stddef.h>

typedef struct fed_client fed_client_t; /* fl/client.h */

/** Vectors of n numbers; n is the model's parameters. */
typedef struct fed_vectors {
    size_t down;   /**< the server sends to each rank a round; the first is w */
    size_t up;     /**< a client sends; the first is its update w_k - w */
    size_t kept;   /**< a client keeps from round to round */
    size_t server; /**< the server keeps beside those that travel down */
} fed_vectors_t;

/** The end of a round as the server sees it. */
typedef struct fed_aggregate {
    size_t parameters; /**< n */
    const fed_config_t *config;
    const fed_client_row_t *clients; /**< whose vectors were averaged, [participants] */
    size_t participants;
    double share; /**< of the whole federation's weight that took part, 0 .. 1 */
    double *up;   /**< averages sum_k p_k u_k, [vectors.up][n]; the first becomes the update */
    float *down;  /**< [vectors.down][n]; the first is w, which changes after this */
    double *kept; /**< the server's own, [vectors.server][n]: first the algorithm's, zero
                       before round 1, then the optimizer's */
} fed_aggregate_t;

typedef struct fed_algorithm {
    fed_plugin_t plugin;
    fed_vectors_t vectors; /**< required */

    /** Optional: does it go with the other keys? FED_INPUT names the one that is wrong. */
    fed_status_t (*check)(const fed_config_t *config);

    /** Optional, on a client: change a batch's gradient before the step of SGD.
     * Called for consecutive parts of the vectors; with it, the gradient is a vector of
     * its own, without it the step is part of the backward pass, which is faster.
     * @param first, count  the part: parameters first .. first+count-1
     * @param g             [in,out] of the mean loss at client->training->w, [count] */
    void (*correct)(const fed_client_t *client, size_t first, size_t count, float *g);

    /** Optional, on a client: train in place of epochs of SGD, as one epoch. Sets client->steps. */
    fed_status_t (*train)(fed_client_t *client);

    /** Optional, on a client: after training. Fills client->up from 1 on, changes
     * client->kept, and may set client->scale. May use training->g and training->v. */
    void (*finish)(fed_client_t *client);

    /** Optional, on the server: makes the round's update of the averages, and advances
     * the server's other vectors. The server's optimizer then applies the update. */
    void (*aggregate)(const fed_aggregate_t *round);
} fed_algorithm_t;

/** The table behind federated.algorithm. */
extern const fed_plugin_table_t fed_algorithms;

/** The algorithm that the configuration names, checked against the other keys. */
fed_status_t fed_algorithm_find(const fed_config_t *config, const fed_algorithm_t **algorithm);

/** Vectors that travel and are kept under this configuration: the algorithm's, and those
 * of its surroundings (a momentum that persists, the server's optimizer). */
fed_vectors_t fed_algorithm_vectors(const fed_algorithm_t *algorithm,
                                    const fed_server_optimizer_t *optimizer,
                                    const fed_config_t *config);

/** What the server keeps before round 1. @param kept [in,out] [vectors.server][n], zeroed */
void fed_algorithm_start(const fed_algorithm_t *algorithm, const fed_server_optimizer_t *optimizer,
                         const fed_config_t *config, size_t parameters, double *kept);

/** The new global parameters from the round's averages. Server only, local.
 * @return L2 norm of the update that the server's step was given */
double fed_algorithm_step(const fed_algorithm_t *algorithm, const fed_server_optimizer_t *optimizer,
                          const fed_aggregate_t *round);

#endif
