/** Algorithms: what a client computes besides SGD, what travels, what the server makes of it.
 *
 * An algorithm is one const struct in one file and its name in algorithms.h. It declares the
 * vectors that travel and are kept beside the parameters and their update (fl/slots.h). An
 * algorithm whose optional functions are all NULL is federated averaging.
 */
#ifndef FEDMPI_FL_ALGORITHM_H
#define FEDMPI_FL_ALGORITHM_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/fl/slots.h"

#include <stddef.h>

typedef struct fed_client fed_client_t; /* fl/client.h */

/** The end of a round as the server sees it. */
typedef struct fed_aggregate fed_aggregate_t;
struct fed_aggregate {
    const fed_config_t *config;
    const fed_slots_t *slots;
    double gradients; /**< fed_client_gradients, averaged as the vectors are: sum_k p_k |a_k|_1;
                           NaN: nobody weighs anything */
    const fed_columns_t *columns; /**< that variants add to the round's row */
    fed_cell_t *cells;            /**< [FED_MOST_CELLS], of that row; NULL: nobody records */
    double share;                 /**< of the whole federation's weight that took part, 0 .. 1 */
    double *up;  /**< averages sum_k p_k u_k; fed_slot_update becomes the round's update */
    float *down; /**< what travels to the clients; fed_slot_parameters changes after this */
    double *server_state; /**< the server's own */
};

/** The memory of a slot; [numbers of the slot]. */
double *fed_round_up(const fed_aggregate_t *round, const fed_slot_t *slot);
float *fed_round_down(const fed_aggregate_t *round, const fed_slot_t *slot);
double *fed_round_server(const fed_aggregate_t *round, const fed_slot_t *slot);

/** Note a number in a column of fed_round_table that the algorithm adds. */
void fed_round_note(const fed_aggregate_t *round, const fed_added_column_t *column, double value);

typedef struct fed_algorithm {
    fed_plugin_t plugin;
    const fed_slot_t *const *slots; /**< [slot_count], see FED_SLOTS */
    size_t slot_count;

    /** What the server uses beside the sum of updates, as "counts of steps", which differential
     * privacy then does not bound; NULL: nothing. */
    const char *tells;

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

    /** Optional, on a client: after training. Says what its slots of FED_OWNER_UP send
     * (fed_client_send_slot), changes those of FED_OWNER_CLIENT, and may set client->scale.
     * May use training->g and training->v. */
    void (*finish)(fed_client_t *client);

    /** Optional, on the server: makes the round's update of the averages, and advances
     * the server's other vectors. The server's optimizer then applies the update. */
    void (*aggregate)(const fed_aggregate_t *round);
} fed_algorithm_t;

/** The table behind federated.algorithm. */
extern const fed_plugin_table_t fed_algorithms;

typedef struct fed_algorithm_options {
    const fed_plugin_t *algorithm; /**< a fed_algorithm_t */
} fed_algorithm_options_t;

FED_DECLARE_OPTIONS(fed_algorithm)

/** The algorithm that the configuration names, checked against the other keys. */
fed_status_t fed_algorithm_find(const fed_config_t *config, const fed_algorithm_t **algorithm);

#endif
