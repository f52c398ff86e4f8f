/** The engine: trains a set of independent tasks on whatever ranks there are.
 *
 * It alone knows ranks, placement, turns, shared memory and the gathering of rows. What it
 * returns does not depend on any of them: sums over clients are exact, updates are
 * looked at in the order of clients, and so are rows. With fed_comm_alone it runs without MPI.
 *
 * A protocol says what is trained: it begins a round, trains a set of tasks, gathers what
 * came out, makes the new parameters of it on the server, and sends them.
 */
#ifndef FEDMPI_SIM_ENGINE_H
#define FEDMPI_SIM_ENGINE_H

#include "fedmpi/comm/comm.h"
#include "fedmpi/fl/evaluation.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/fl/states.h"
#include "fedmpi/fl/training.h"
#include "fedmpi/sim/problem.h"

typedef struct fed_engine fed_engine_t;

/** One client that trains. Tasks of a set do not depend on each other. */
typedef struct fed_task {
    uint32_t client;   /**< ascending in a set, each once */
    double weight;     /**< p_k, its share of the average */
    const float *from; /**< the block of FED_OWNER_DOWN that it starts from, on every rank */
} fed_task_t;

/** Who looks on, all functions optional. Local. */
typedef struct fed_observer {
    void *context;

    /** The server waits: a short piece of other work. @return false when there is none left */
    bool (*wait)(void *context);

    /** This rank has trained a client: its parameters and momentum are in training. */
    void (*trained)(void *context, uint32_t client, const fed_training_t *training);

    /** Server: rows of the set's clients that were gathered, over all calls in the order of
     * clients, and never all at once: [count] times a fed_client_row_t with its cells behind it.
     * Borrowed. Of a set in which all diverged there are none. */
    void (*rows)(void *context, const void *rows, size_t count);

    /** The order of a client's samples over all its epochs, [epochs][count], where another
     * program's batches are to be replayed; borrowed until the client is trained. */
    const uint32_t *(*order)(void *context, uint32_t client, int64_t round);
} fed_observer_t;

/** What a set of tasks came to. On the server; elsewhere all is zero. The engine's memory,
 * until its next set. */
typedef struct fed_trained {
    size_t count;          /**< of clients */
    size_t averaged_count; /**< of those that did not diverge */
    double grown; /**< by so much grew their weights, to sum to one again; 1: nobody diverged */

    /* Sums over those that did not diverge, in their order. */
    int64_t samples;
    double loss, correct;         /**< over samples, of the last local epoch */
    double weight, gradients;     /**< of p_k, and p_k times fed_client_gradients */
    double cells[FED_MOST_CELLS]; /**< of the column that each of the round's columns sums up */

    const fed_local_epoch_row_t *local_epochs; /**< of tracked clients, [local_epoch_count] */
    size_t local_epoch_count;
    double *up; /**< the aggregate: a block of FED_OWNER_UP */
} fed_trained_t;

/** Collective, and so is the status.
 * @param observer  copied; or NULL
 * @param created   [out] for fed_engine_destroy, whatever the status
 * @return FED_INPUT where the ranks of a node can share no memory */
fed_status_t fed_engine_create(fed_comm_t *comm, const fed_problem_t *problem,
                               const fed_observer_t *observer, fed_engine_t **created);
/** Collective. NULL is fine. */
void fed_engine_destroy(fed_engine_t *engine);

const fed_problem_t *fed_engine_problem(const fed_engine_t *engine);

/** What clients keep from round to round, of those that train on this rank; length 0: nothing. */
fed_states_t *fed_engine_states(fed_engine_t *engine);

/** Where a client stays that keeps a state. */
uint32_t fed_engine_home(const fed_engine_t *engine, uint32_t client);

/** A round begins: the clock starts. Local.
 * @param round  from 1, ascending: the clients' random draws are functions of it
 * @param mine   what this rank did by itself came to; the round's agreement tells the others */
void fed_engine_begin(fed_engine_t *engine, int64_t round, fed_status_t mine);

/** Train the tasks, the same on every rank. Collective.
 * @param tasks  [count], borrowed until they are gathered
 * @return the worst of all ranks: FED_STOPPED when a stop was asked for, FED_DIVERGED when a
 *         client did and federated.on_divergence is stop */
fed_status_t fed_engine_train(fed_engine_t *engine, const fed_task_t *tasks, size_t count);

/** This rank's part of the sums, between training and gathering, for what is added once whoever
 * took part: each number is in one rank's part. Local.
 * @param first, count  [out] the numbers first .. first+count-1 of the block of FED_OWNER_UP
 * @return [count], fixed-point as math/fixed.h has it */
int64_t *fed_engine_sums(fed_engine_t *engine, size_t *first, size_t *count);

/** Bring rows and aggregate of the set to the server, show it the rows
 * (fed_observer_t), and let the clients' states be what they became. Clients that diverged are left
 * out. Collective.
 * @return FED_DIVERGED if there were tasks and all diverged */
fed_status_t fed_engine_gather(fed_engine_t *engine, fed_trained_t *trained);

/** The server's block of FED_OWNER_DOWN to all ranks. Collective. */
void fed_engine_send(fed_engine_t *engine, float *down);

/** Loss and accuracy of w on samples, shared out over all ranks that have a core; exact.
 * Collective.
 * @param w          [in] the same on every rank, [parameters]
 * @param confusion  [out] server: [classes][classes], zeroed before; or NULL
 * @return on the server; elsewhere of no meaning */
fed_measure_t fed_engine_evaluate(fed_engine_t *engine, const fed_samples_t *samples,
                                  const float *w, int64_t *confusion);

/** Evaluate the global model on every client's holdout samples, before and after
 * fine-tuning. Collective; does nothing where partition.holdout is 0.
 * @param row  [out] on the server; round 0 if there is none */
void fed_engine_evaluate_personal(fed_engine_t *engine, int64_t round, const float *w,
                                  fed_personal_row_t *row);

/** Evaluation begins, or the round ends: for the clock. Local. */
void fed_engine_begin_evaluation(fed_engine_t *engine);
void fed_engine_end(fed_engine_t *engine);

/** The round's row from what the engine knows: clients, means, seconds, bytes. After
 * fed_engine_end, on the server. row->drawn, test, validation and update_norm are others'. */
void fed_engine_account(const fed_engine_t *engine, const fed_trained_t *trained,
                        fed_round_row_t *row);

/** Bytes that a rank with so many clients a round holds of their updates, and the server of
 * a piece of everybody's, for estimates. */
size_t fed_engine_updates_bytes(const fed_problem_t *problem, size_t clients_here);
size_t fed_engine_piece_bytes(const fed_problem_t *problem);

/** Bytes of the rows of so many clients, and what the server holds of everybody's at a time. */
size_t fed_engine_rows_bytes(const fed_problem_t *problem, size_t clients_here);
size_t fed_engine_window_bytes(void);

#endif
