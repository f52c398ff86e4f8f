/** The global model with what travels beside it, and what the server keeps: the blocks of slots
 * that a protocol with a server holds, and the server's step on them. */
#ifndef FEDMPI_SIM_GLOBAL_H
#define FEDMPI_SIM_GLOBAL_H

#include "fedmpi/sim/participants.h"
#include "fedmpi/sim/protocol.h"

typedef struct fed_global {
    const fed_problem_t *problem; /**< borrowed */
    float *down;                  /**< w and what travels with it: FED_OWNER_DOWN */
    double *server_state;         /**< server: FED_OWNER_SERVER; NULL elsewhere */
    char **names;                 /**< of the slots, [places], "down/w" */
} fed_global_t;

/** As it is before round 1.
 * @param initial  server: the parameters to start from; NULL elsewhere */
void fed_global_init(fed_global_t *global, const fed_problem_t *problem, const float *initial);
void fed_global_fini(fed_global_t *global);

/** Its vectors for fed_protocol_t.list_saved: @return how many of saved it has filled. */
size_t fed_global_list_saved(fed_global_t *global, fed_saved_t *saved);

/** Under differential privacy: this rank's part of the noise of a round, between training and
 * gathering. Local. */
void fed_global_blur(const fed_global_t *global, fed_engine_t *engine, int64_t round);

/** Is there a step to make: on the server, where somebody answered; and under differential privacy
 * always, so that the model does not tell that nobody did. Local. */
bool fed_global_steps(const fed_global_t *global, const fed_trained_t *trained);

/** The next model from the average of the participants' updates. Server only, local.
 * @param row      [out] cells of columns that variants add
 * @return L2 norm of the update */
double fed_global_step(fed_global_t *global, const fed_participants_t *participants,
                       const fed_trained_t *trained, fed_round_row_t *row);

/** What is evaluated: w, or its moving average; borrowed. */
const float *fed_global_model(const fed_global_t *global);

#endif
