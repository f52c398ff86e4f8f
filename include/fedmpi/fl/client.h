/** A client's part in a round: local training and what it sends. */
#ifndef FEDMPI_FL_CLIENT_H
#define FEDMPI_FL_CLIENT_H

#include "fedmpi/fl/attack.h"
#include "fedmpi/fl/evaluation.h"
#include "fedmpi/fl/method.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/fl/states.h"
#include "fedmpi/fl/training.h"

#include <stdint.h>

typedef enum fed_on_divergence { FED_DIVERGENCE_STOPS, FED_DIVERGENCE_SKIPS } fed_on_divergence_t;

typedef struct fed_client_options {
    fed_on_divergence_t on_divergence;
} fed_client_options_t;

FED_DECLARE_OPTIONS(fed_client)

/** What a rank trains its clients with, one after another. */
typedef struct fed_trainer {
    const fed_config_t *config;       /**< borrowed, as all below */
    const fed_method_t *method;       /**< settled */
    fed_training_t *training;         /**< holds nothing from one client to the next */
    fed_states_t *states;             /**< what clients keep: blocks of FED_OWNER_CLIENT */
    const float *down;                /**< the block of FED_OWNER_DOWN */
    int64_t *sums;                    /**< fixed-point sums of p_k u_k: a block of FED_OWNER_UP */
    float *shown;                     /**< takes this client's block of FED_OWNER_UP, unweighted,
                                           where the rule looks at it; else NULL */
    fed_cell_t *cells;                /**< takes what variants note of this client,
                                           [method->client_columns.count]; NULL: nobody records */
    const fed_byzantine_t *byzantine; /**< NULL: all clients are honest */
} fed_trainer_t;

/** One client in one round. */
typedef struct fed_client_task {
    uint64_t seed;
    uint32_t round, client;
    const uint32_t *samples; /**< positions in the training set, [count], borrowed */
    size_t count;
    double weight;         /**< p_k, its share of the average */
    const uint32_t *order; /**< NULL: shuffled by the seed; else [epochs][count], as it is */
} fed_client_task_t;

/** Each client's momentum, where training.persistent_momentum keeps it. */
extern const fed_slot_t fed_slot_momentum;

/** A client at work: what an algorithm's functions see and change. */
struct fed_client {
    const fed_trainer_t *trainer;
    const fed_client_task_t *task;
    fed_training_t *training;
    const float *w; /**< the global parameters, [parameters] */
    float *state;   /**< its block of FED_OWNER_CLIENT, to change in place; NULL: empty */
    const fed_attack_t *attack; /**< NULL: it is honest */
    int64_t steps;              /**< mini-batches of this round */
    double scale;               /**< of the vectors it sends, 0 .. 1; 1 at first */
    fed_difference_t *up;       /**< [slots of FED_OWNER_UP]; the first is w_k - w */
};

/** The memory of a slot: what the server sent, what the client keeps. */
const float *fed_client_down(const fed_client_t *client, const fed_slot_t *slot);
float *fed_client_state(const fed_client_t *client, const fed_slot_t *slot);

/** What a slot of FED_OWNER_UP sends: to - from, which stay as they are until it is sent. */
void fed_client_send_slot(fed_client_t *client, const fed_slot_t *slot, const float *to,
                          const float *from);

/** Note a number in a column of fed_client_table that a variant adds. */
void fed_client_note(const fed_client_t *client, const fed_added_column_t *column, double value);

/** What a tracked client records after each local epoch. */
typedef struct fed_tracking {
    fed_evaluator_t *evaluator;
    const fed_samples_t *test;
    fed_local_epoch_row_t *rows; /**< [out] [fed_client_epochs] */
} fed_tracking_t;

/** What the random draws of a client's epoch are a function of. Epochs count from 1; 0 is
 * for gradients of all samples. */
fed_stream_t fed_client_stream(const fed_client_task_t *task, int64_t epoch);

/** Local epochs of a client that holds `samples`, the last maybe partial. */
int64_t fed_client_epochs(const fed_algorithm_t *algorithm, const fed_config_t *config,
                          size_t samples);

/** What the gradients of so many steps weigh in w - w_k, in learning rates: the number of
 * steps, and more with momentum. Momentum starts from zero.
 * |a_k|_1 of Wang et al. 2020, section 4. */
double fed_client_gradients(const fed_config_t *config, int64_t steps);

/** Train one client from the global parameters and add what it sends to the sums.
 *
 * Local. The same task gives the same bits on every rank.
 *
 * @param tracking  or NULL: this client is not tracked
 * @param row       [out] what is recorded of it, but for its rank
 * @return FED_STOPPED when a stop was asked for, FED_DIVERGED when a parameter left
 *         the range of numbers: the row is then complete, the client's state as it was, and
 *         the sums too if federated.on_divergence is skip, else of no use
 *
 * McMahan et al. 2017, Algorithm 1, ClientUpdate.
 */
fed_status_t fed_client_train(const fed_trainer_t *trainer, const fed_client_task_t *task,
                              const fed_tracking_t *tracking, fed_client_row_t *row);

#endif
