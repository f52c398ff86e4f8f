/* What an engine holds; the files of sim share it. */
#ifndef FEDMPI_SIM_HANDLE_H
#define FEDMPI_SIM_HANDLE_H

#include "fedmpi/comm/shared.h"
#include "fedmpi/fl/client.h"
#include "fedmpi/sim/engine.h"

/* A round's parts, in their order. */
typedef enum fed_phase {
    FED_PHASE_TRAINING,
    FED_PHASE_GATHERING,
    FED_PHASE_AGGREGATING,
    FED_PHASE_SENDING,
    FED_PHASE_EVALUATING,
    FED_PHASES
} fed_phase_t;

struct fed_engine {
    fed_comm_t *comm;             /* borrowed */
    const fed_problem_t *problem; /* borrowed */
    fed_observer_t observer;
    fed_status_t mine; /* of this rank, until the next agreement tells the others */

    int64_t round;
    uint32_t sets;              /* of tasks, so far */
    double seconds[FED_PHASES]; /* of this round; before a phase ends of the last; 0: none yet */
    fed_phase_t phase;
    double phase_started;
    double load; /* largest cost of a rank in the last set; 0: none yet */

    fed_training_t training; /* no model: this rank does not train */
    fed_evaluator_t evaluator;
    fed_byzantine_t byzantine;
    fed_states_t states;
    int64_t *sums;  /* fixed-point sums of this rank's weighted vectors: FED_OWNER_UP */
    double *up;     /* server: the aggregate, in the memory of the sums; NULL elsewhere */
    float *updates; /* this rank's clients' vectors, where the aggregation rule looks at them:
                       [updates_capacity] blocks of FED_OWNER_UP; or NULL */
    size_t updates_capacity;

    const fed_task_t *tasks; /* of this set, [task_count], borrowed */
    size_t task_count;
    size_t capacity;      /* tasks that the arrays below have room for */
    uint32_t *home;       /* [clients]: where each trains, if it must stay; or NULL */
    uint32_t *rank_of;    /* [task_count]: where each is to train */
    uint32_t *queue;      /* [queued]: tasks that this rank trains in this order, or this
                             node's workers in turns */
    size_t queued;        /* 0 where nobody trains */
    fed_shared_t *turns;  /* of this node; NULL: clients must train where they are placed */
    fed_shared_t *blocks; /* of evaluations, taken by this node's ranks in turns */
    uint32_t evaluations; /* so far, on all ranks together */

    /* [ranks], what each says of this set, one behind another; they travel together. */
    size_t *client_counts;    /* clients that it has trained */
    size_t *epoch_counts;     /* rows of local epochs that it has of tracked ones */
    size_t *diverged_counts;  /* its clients that diverged */
    size_t *diverged_weights; /* what they would have counted for: fed_weights_unit */

    char *rows; /* [row_capacity][row_bytes]: this rank's clients, as they were trained */
    size_t row_bytes, row_capacity;
    bool *diverged; /* server: [capacity], who of the set's clients did, after fed_rows_gather */
    double *busy;   /* server: [ranks], seconds that each trained in this round */
    fed_local_epoch_row_t *local_epochs; /* [epoch_capacity]: this rank's; server: everybody's */
    size_t epoch_capacity;
};

/* Numbers that a client sends. */
static inline size_t fed_engine_up_length(const fed_engine_t *engine) {
    return engine->problem->method->slots.lengths[FED_OWNER_UP];
}

/* A phase begins, and the one before ends: what took that long last time is expected to. */
void fed_phases_begin(fed_engine_t *engine, fed_phase_t phase);

/* Place the set's tasks: rank_of, queue. Local. */
void fed_turns_place(fed_engine_t *engine);

/* What this rank trains next: the place i in tasks. Costly clients come first, and workers of a
 * node that finish early take more, so that all end within a client's time.
 * @param taken  how many this rank took in this set before
 * @return false when all are taken */
bool fed_turns_next(const fed_engine_t *engine, size_t taken, size_t *i);

/* The largest cost that a rank has to train in this set. */
size_t fed_turns_load(const fed_engine_t *engine);

/* Room for the rows of a set begins. Local. */
void fed_rows_begin(fed_engine_t *engine);

/* The row of this rank's index-th client; valid until the next one's. */
fed_client_row_t *fed_rows_client(fed_engine_t *engine, size_t index);

/* What the ranks recorded of their clients goes to the server, in the order of clients: it adds
 * up what it keeps of them, and shows them to the observer, some at a time. Collective.
 * @param trained  [in,out] server: knows who is left, and takes the sums and local epochs */
void fed_rows_gather(fed_engine_t *engine, fed_trained_t *trained);

/* Add one client that did not diverge to the sums of its set. Server. */
void fed_account_add(const fed_engine_t *engine, const fed_client_row_t *row,
                     fed_trained_t *trained);

/* Numbers of a client that are kept and shown to the rule; 0: it needs no look, and they go to the
 * sums as they are made. */
size_t fed_updates_shown(const fed_problem_t *problem);

/* Room for what is kept of this set's clients of this rank. */
void fed_updates_begin(fed_engine_t *engine);

/* Where the vectors of this rank's index-th client are kept; NULL: in the sums only. */
float *fed_updates_place(const fed_engine_t *engine, size_t index);

/* The aggregate of the set by the rule that the method has, after fed_rows_gather: clients that
 * diverged are not among those whom it sees. Into engine->up. Collective.
 * @param grown  server: by so much weights that were given before training */
void fed_updates_aggregate(fed_engine_t *engine, double grown);

#endif
