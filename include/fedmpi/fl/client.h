/** A client's part in a round: local training and its update. */
#ifndef FEDMPI_FL_CLIENT_H
#define FEDMPI_FL_CLIENT_H

#include "fedmpi/core/records.h"
#include "fedmpi/fl/evaluation.h"
#include "fedmpi/fl/momenta.h"
#include "fedmpi/fl/training.h"

#include <stdint.h>

/** One client in one round. */
typedef struct fed_client_task {
    uint64_t seed;
    uint32_t round, client;
    const uint32_t *samples; /**< positions in the training set, [count], borrowed */
    size_t count;
    int64_t epochs;
    double weight; /**< p_k, its share of the average */
} fed_client_task_t;

/** What a tracked client records after each local epoch. */
typedef struct fed_tracking {
    fed_evaluator_t *evaluator;
    const fed_samples_t *test;
    fed_local_epoch_row_t *rows; /**< [out] [epochs] */
} fed_tracking_t;

/** Train one client from the global parameters and add its weighted update.
 *
 * Local. The same task gives the same bits on every rank.
 *
 * @param training  memory to train in; holds nothing from one client to the next
 * @param momenta   where the client's momentum is kept from round to round, or NULL:
 *                  every round starts from zero
 * @param global    [in]     w, [parameters]
 * @param tracking  or NULL: this client is not tracked
 * @param sums      [in,out] fixed-point sums of p_k (w_k - w), [parameters]
 * @param row       [out]    what is recorded of it, but for its rank
 * @return FED_STOPPED when a stop was asked for, FED_DIVERGED when a parameter left
 *         the range of numbers; `sums` is then of no use
 *
 * McMahan et al. 2017, Algorithm 1, ClientUpdate.
 */
fed_status_t fed_client_train(const fed_client_task_t *task, fed_training_t *training,
                              fed_momenta_t *momenta, const float *global,
                              const fed_tracking_t *tracking, int64_t *sums, fed_client_row_t *row);

#endif
