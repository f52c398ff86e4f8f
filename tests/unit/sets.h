/* Sets of tasks on a small problem, for tests of the engine with and without MPI. */
#ifndef TESTS_UNIT_SETS_H
#define TESTS_UNIT_SETS_H

#include "nn/initializations/initializations.h"
#include "problem.h"

#include "fedmpi/sim/engine.h"
#include "fedmpi/sim/weights.h"

enum { SET_CLIENTS = 7, SET_FEATURES = 6, SET_CLASSES = 3, SET_SAMPLES = 60, SET_LENGTH = 128 };

/* What came of a set: on the server; elsewhere all is zero. */
typedef struct outcome {
    fed_status_t status;
    size_t length; /* numbers that a client sends */
    double up[SET_LENGTH];
    double grown;
    size_t count, averaged_count, epoch_count;
    size_t row_bytes, row_count, expected; /* of clients; over all rounds; in each */
    fed_client_row_t client_rows[SET_CLIENTS];
    fed_cell_t cells[SET_CLIENTS]; /* the first column that variants add, if any */
    fed_local_epoch_row_t epochs[64];
    float states[SET_CLIENTS][SET_LENGTH]; /* of the clients that stay on this rank */
    size_t kept;                           /* how many that are */
} outcome_t;

typedef struct set_case {
    const char *const *keys; /* pairs, NULL at the end */
    const uint32_t *chosen;  /* [count] */
    size_t count;
    uint32_t broken; /* the client whose samples lead beyond all numbers; UINT32_MAX: none */
    int64_t rounds;  /* so many sets, one after another, from the same parameters */
    const uint32_t *(*order)(void *context, uint32_t client, int64_t round);
    uint64_t seed;
} set_case_t;

#define SET_KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})

static float set_x[SET_SAMPLES * SET_FEATURES];
static int32_t set_labels[SET_SAMPLES];

/* 1, 16, 4, 9, 3, 20 and 5 samples. */
static const size_t set_counts[SET_CLIENTS] = {1, 16, 4, 9, 3, 20, 5};

static inline void make_samples(uint32_t broken) {
    test_state = 3; /* the same in each case and on each rank */
    for (size_t i = 0; i < SET_SAMPLES * SET_FEATURES; i++)
        set_x[i] = (float)any_number();
    for (size_t i = 0; i < SET_SAMPLES; i++)
        set_labels[i] = (int32_t)any_below(SET_CLASSES);
    size_t first = 0;
    for (uint32_t k = 0; k < SET_CLIENTS; first += set_counts[k++])
        for (size_t i = 0; (k == broken || broken == SET_CLIENTS) && i < set_counts[k]; i++)
            for (size_t j = 0; j < SET_FEATURES; j++)
                set_x[(first + i) * SET_FEATURES + j] = 1e30f;
}

static inline void keep_outcome(outcome_t *outcome, const fed_trained_t *trained) {
    outcome->count = trained->count;
    outcome->averaged_count = trained->averaged_count;
    outcome->grown = trained->grown;
    outcome->epoch_count = trained->local_epoch_count;
    if (trained->up)
        memcpy(outcome->up, trained->up, outcome->length * sizeof *trained->up);
    for (size_t i = 0; i < trained->local_epoch_count; i++)
        outcome->epochs[i] = trained->local_epochs[i];
}

/* Of all windows of a set. */
static inline void keep_rows(void *context, const void *rows, size_t count) {
    outcome_t *outcome = context;
    for (size_t i = 0; i < count; i++) {
        const char *at = (const char *)rows + i * outcome->row_bytes;
        size_t place = outcome->row_count++ % outcome->expected;
        memcpy(&outcome->client_rows[place], at, sizeof *outcome->client_rows);
        outcome->client_rows[place].train_seconds = 0; /* as the machine likes */
        outcome->client_rows[place].rank = 0;
        if (outcome->row_bytes > sizeof *outcome->client_rows)
            memcpy(&outcome->cells[place], at + sizeof *outcome->client_rows,
                   sizeof *outcome->cells);
    }
}

/* What clients that stay here keep. */
static inline void keep_states(outcome_t *outcome, fed_engine_t *engine) {
    fed_states_t *states = fed_engine_states(engine);
    for (uint32_t k = 0; states->length > 0 && k < SET_CLIENTS; k++) {
        if (!states->kept[k])
            continue;
        outcome->kept++;
        memcpy(outcome->states[k], states->kept[k], states->length * sizeof(float));
    }
}

static inline void set_problem(problem_t *problem, const set_case_t *test) {
    make_samples(test->broken);
    problem_init(problem, SET_FEATURES, SET_CLASSES, set_x, set_labels, set_counts, SET_CLIENTS);
    fed_config_t *config = &problem->config;
    set(config, "model.type", "mlp");
    set(config, "model.hidden", "5");
    set(config, "training.epochs", "2");
    set(config, "training.batch_size", "4");
    set(config, "federated.tracked_clients", "1,4");
    set(config, "experiment.seed", "%llu", (unsigned long long)test->seed + 1);
    for (const char *const *key = test->keys; *key; key += 2)
        set(config, key[0], "%s", key[1]);
    problem_settle(problem, 1);
}

static inline void run_rounds(fed_engine_t *engine, const set_case_t *test, const float *from,
                              outcome_t *outcome) {
    fed_task_t tasks[SET_CLIENTS];
    double weights[SET_CLIENTS];
    fed_weights(fed_engine_problem(engine), test->chosen, test->count, weights);
    for (size_t i = 0; i < test->count; i++)
        tasks[i] = (fed_task_t){test->chosen[i], weights[i], from};
    for (int64_t round = 1; round <= test->rounds && outcome->status == FED_OK; round++) {
        fed_trained_t trained;
        fed_engine_begin(engine, round, FED_OK);
        outcome->status = fed_engine_train(engine, tasks, test->count);
        if (outcome->status == FED_OK)
            outcome->status = fed_engine_gather(engine, &trained);
        if (outcome->status == FED_OK)
            keep_outcome(outcome, &trained);
    }
}

/* Collective. */
static inline outcome_t run_sets(fed_comm_t *among, const set_case_t *test) {
    outcome_t outcome = {0};
    problem_t problem;
    set_problem(&problem, test);
    outcome.length = problem.method.slots.lengths[FED_OWNER_UP];
    assert_true(outcome.length <= SET_LENGTH);
    FED_AUTOFREE float *from = FED_NEW_ARRAY(float, problem.method.slots.lengths[FED_OWNER_DOWN]);
    fed_initialization_draw(&fed_initialization_pytorch, &problem.model, 1, from);
    fed_engine_t *engine;
    fed_observer_t observer = {.context = &outcome, .rows = keep_rows, .order = test->order};
    outcome.row_bytes = fed_engine_rows_bytes(&problem.view, 1);
    outcome.expected = test->count;
    assert_ok(fed_engine_create(among, &problem.view, &observer, &engine));
    run_rounds(engine, test, from, &outcome);
    keep_states(&outcome, engine);
    fed_engine_destroy(engine);
    problem_fini(&problem);
    return outcome;
}

static const uint32_t everybody[] = {0, 1, 2, 3, 4, 5, 6};
static const uint32_t some[] = {1, 3, 4};

/* An order of a client's samples that is not the seed's: as they stand, in each epoch. */
static inline const uint32_t *as_they_stand(void *context, uint32_t client, int64_t round) {
    static uint32_t order[2 * SET_SAMPLES];
    (void)context;
    (void)round;
    size_t first = 0;
    for (uint32_t k = 0; k < client; k++)
        first += set_counts[k];
    for (size_t i = 0; i < 2 * set_counts[client]; i++)
        order[i] = (uint32_t)(first + i % set_counts[client]);
    return order;
}

#endif
