/* Training a set of tasks. */
#include "handle.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/watchdog.h"
#include "fedmpi/config/experiment.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/stop.h"
#include "fedmpi/sim/placement.h"
#include "fedmpi/sim/weights.h"

#include <string.h>

#define COUNTS 4 /* that each rank tells of a set */

/* What ranks of a node take in turns. Collective. */
static fed_status_t make_turns(fed_engine_t *engine) {
    FED_TRY(fed_shared_create(engine->comm, sizeof(uint64_t), &engine->blocks));
    /* A client stays where its state is, and what is kept of it where there is room. */
    if (engine->home || fed_updates_shown(engine->problem) > 0)
        return FED_OK;
    return fed_shared_create(engine->comm, sizeof(uint64_t), &engine->turns);
}

fed_status_t fed_engine_create(fed_comm_t *comm, const fed_problem_t *problem,
                               const fed_observer_t *observer, fed_engine_t **created) {
    fed_engine_t *engine = *created = FED_NEW(fed_engine_t);
    const fed_method_t *method = problem->method;
    const size_t *lengths = method->slots.lengths;
    size_t clients = problem->partition->clients, ranks = (size_t)fed_comm_size(comm);
    engine->comm = comm;
    engine->problem = problem;
    if (observer)
        engine->observer = *observer;
    engine->sums = FED_NEW_ARRAY(int64_t, lengths[FED_OWNER_UP]);
    if (fed_comm_is_server(comm))
        engine->up = (void *)engine->sums;
    engine->client_counts = FED_NEW_ARRAY(size_t, COUNTS * ranks);
    engine->epoch_counts = engine->client_counts + ranks;
    engine->diverged_counts = engine->epoch_counts + ranks;
    engine->diverged_weights = engine->diverged_counts + ranks;
    engine->row_bytes = fed_engine_rows_bytes(problem, 1);
    engine->busy = FED_NEW_ARRAY(double, ranks);
    fed_evaluator_init(&engine->evaluator, problem->model);
    if (ranks == 1 || !fed_comm_is_server(comm))
        fed_training_init(&engine->training, problem->model, &problem->dataset->train,
                          problem->config);
    fed_byzantine_init(&engine->byzantine, problem->config, method->attack, clients);
    fed_states_init(&engine->states, clients, lengths[FED_OWNER_CLIENT]);
    if (lengths[FED_OWNER_CLIENT] > 0) {
        engine->home = FED_NEW_ARRAY(uint32_t, clients);
        fed_placement_all(comm, problem, engine->home);
    }
    return make_turns(engine);
}

void fed_engine_destroy(fed_engine_t *engine) {
    if (!engine)
        return;
    fed_states_fini(&engine->states);
    fed_byzantine_fini(&engine->byzantine);
    if (engine->training.model)
        fed_training_fini(&engine->training);
    fed_evaluator_fini(&engine->evaluator);
    fed_shared_destroy(engine->blocks);
    fed_shared_destroy(engine->turns);
    fed_free(engine->sums);
    fed_free(engine->updates);
    fed_free(engine->home);
    fed_free(engine->rank_of);
    fed_free(engine->queue);
    fed_free(engine->client_counts);
    fed_free(engine->rows);
    fed_free(engine->diverged);
    fed_free(engine->busy);
    fed_free(engine->local_epochs);
    fed_free(engine);
}

const fed_problem_t *fed_engine_problem(const fed_engine_t *engine) {
    return engine->problem;
}

fed_states_t *fed_engine_states(fed_engine_t *engine) {
    return &engine->states;
}

uint32_t fed_engine_home(const fed_engine_t *engine, uint32_t client) {
    return engine->home[client];
}

/* Room for the places of a set. */
static void reserve(fed_engine_t *engine, size_t count) {
    if (engine->queue && count <= engine->capacity)
        return;
    fed_free(engine->rank_of);
    fed_free(engine->queue);
    fed_free(engine->diverged);
    engine->rank_of = FED_NEW_ARRAY(uint32_t, count);
    engine->queue = FED_NEW_ARRAY(uint32_t, count);
    engine->diverged = FED_NEW_ARRAY(bool, fed_comm_is_server(engine->comm) ? count : 0);
    engine->capacity = count;
}

static fed_client_task_t client_of(const fed_engine_t *engine, const fed_task_t *task) {
    const fed_problem_t *problem = engine->problem;
    const fed_observer_t *observer = &engine->observer;
    fed_client_task_t client = {
        .seed = fed_seed(problem->config),
        .round = (uint32_t)engine->round,
        .client = task->client,
        .weight = task->weight,
    };
    client.samples = fed_partition_samples(problem->partition, task->client, &client.count);
    if (observer->order)
        client.order = observer->order(observer->context, task->client, engine->round);
    return client;
}

/* @param index   how many this rank trained in this set before
 * @param epochs  where to record the client's epochs; NULL: it is not tracked */
static fed_status_t train_one(fed_engine_t *engine, const fed_task_t *task, size_t index,
                              fed_local_epoch_row_t *epochs) {
    const fed_problem_t *problem = engine->problem;
    const fed_config_t *config = problem->config;
    fed_client_row_t *row = fed_rows_client(engine, index);
    fed_client_task_t client = client_of(engine, task);
    fed_trainer_t trainer = {
        .config = config,
        .method = problem->method,
        .training = &engine->training,
        .states = &engine->states,
        .down = task->from,
        .sums = engine->sums,
        .shown = fed_updates_place(engine, index),
        .cells = fed_client_cells(row),
        .byzantine = &engine->byzantine,
    };
    fed_tracking_t tracking = {&engine->evaluator, &problem->dataset->test, epochs};
    fed_status_t status = fed_client_train(&trainer, &client, epochs ? &tracking : NULL, row);
    row->rank = fed_comm_rank(engine->comm);
    if (status == FED_DIVERGED && fed_client_options(config)->on_divergence == FED_DIVERGENCE_SKIPS)
        status = FED_OK;
    if (status == FED_OK && engine->observer.trained)
        engine->observer.trained(engine->observer.context, task->client, &engine->training);
    return status;
}

/* What this rank has made, told to all where they agree that all have trained. */
static void count_rows(fed_engine_t *engine, size_t clients, size_t epochs) {
    size_t ranks = (size_t)fed_comm_size(engine->comm), rank = (size_t)fed_comm_rank(engine->comm);
    memset(engine->client_counts, 0, COUNTS * ranks * sizeof *engine->client_counts);
    engine->client_counts[rank] = clients;
    engine->epoch_counts[rank] = epochs;
    for (size_t i = 0; i < clients; i++) {
        const fed_client_row_t *row = fed_rows_client(engine, i);
        if (!row->diverged)
            continue;
        engine->diverged_counts[rank]++;
        engine->diverged_weights[rank] += fed_weights_unit(engine->problem, (uint32_t)row->client);
    }
}

/* This rank's clients, one after another, in one model's memory. */
static fed_status_t train_here(fed_engine_t *engine) {
    size_t trained = 0, epochs = 0, i;
    fed_rows_begin(engine);
    fed_updates_begin(engine);
    memset(engine->sums, 0, fed_engine_up_length(engine) * sizeof *engine->sums);
    for (; fed_turns_next(engine, trained, &i); trained++) {
        const fed_task_t *task = &engine->tasks[i];
        bool tracked = fed_problem_tracks(engine->problem, task->client);
        FED_TRY(train_one(engine, task, trained, tracked ? engine->local_epochs + epochs : NULL));
        if (tracked)
            epochs += fed_problem_epochs(engine->problem, task->client);
    }
    count_rows(engine, trained, epochs);
    return FED_OK;
}

/* All have trained, and know how many rows each has; or all learn who could not. */
static fed_status_t wait_for_all(fed_engine_t *engine, fed_status_t mine) {
    bool is_server = fed_comm_is_server(engine->comm);
    if (mine == FED_OK)
        mine = fed_stop_status();
    return fed_comm_agree_largest(
        engine->comm, mine, engine->client_counts, COUNTS * (size_t)fed_comm_size(engine->comm),
        is_server ? engine->observer.wait : NULL, engine->observer.context);
}

/* What a unit of the largest rank's load took last time, for the watchdog. */
static double expected_training(fed_engine_t *engine) {
    double load = (double)fed_turns_load(engine), before = engine->load;
    engine->load = load;
    return before > 0 ? engine->seconds[FED_PHASE_TRAINING] * load / before : -1;
}

fed_status_t fed_engine_train(fed_engine_t *engine, const fed_task_t *tasks, size_t count) {
    engine->sets++;
    engine->tasks = tasks;
    engine->task_count = count;
    reserve(engine, count);
    fed_turns_place(engine);
    fed_comm_expect(engine->comm, "training", engine->round, expected_training(engine));
    fed_status_t mine = engine->mine;
    engine->mine = FED_OK;
    return wait_for_all(engine, mine == FED_OK ? train_here(engine) : mine);
}

/* Weights were fixed before training; a client that diverged added nothing, and those of the
 * others grow. */
static void count_left(const fed_engine_t *engine, fed_trained_t *trained) {
    size_t ranks = (size_t)fed_comm_size(engine->comm), all = 0, left;
    for (size_t i = 0; i < engine->task_count; i++)
        all += fed_weights_unit(engine->problem, engine->tasks[i].client);
    left = all;
    trained->count = trained->averaged_count = engine->task_count;
    for (size_t rank = 0; rank < ranks; rank++) {
        trained->averaged_count -= engine->diverged_counts[rank];
        left -= engine->diverged_weights[rank];
    }
    bool fixed = engine->problem->method->privacy.mechanism->is_private;
    trained->grown = left > 0 && !fixed ? (double)all / (double)left : 1;
}

static fed_status_t status_of(const fed_engine_t *engine, const fed_trained_t *trained) {
    if (trained->count == 0 || trained->averaged_count > 0)
        return FED_OK;
    return fed_fail(FED_DIVERGED,
                    "round %lld: all %zu clients diverged; training.learning_rate = %g is "
                    "likely too large",
                    (long long)engine->round, trained->count,
                    fed_training_options(engine->problem->config)->learning_rate);
}

fed_status_t fed_engine_gather(fed_engine_t *engine, fed_trained_t *trained) {
    *trained = (fed_trained_t){0};
    fed_phases_begin(engine, FED_PHASE_GATHERING);
    if (fed_comm_is_server(engine->comm)) {
        count_left(engine, trained);
        trained->up = engine->up;
    }
    fed_rows_gather(engine, trained);
    fed_status_t status = status_of(engine, trained);
    fed_updates_aggregate(engine, trained->grown);
    fed_phases_begin(engine, FED_PHASE_AGGREGATING);
    /* Where divergence does not stop the run at once, there may be nothing left. */
    if (fed_client_options(engine->problem->config)->on_divergence == FED_DIVERGENCE_SKIPS)
        status = fed_comm_agree(engine->comm, status, NULL, NULL);
    if (status == FED_OK)
        fed_states_commit(&engine->states);
    return status;
}

int64_t *fed_engine_sums(fed_engine_t *engine, size_t *first, size_t *count) {
    size_t length = fed_engine_up_length(engine), ranks = (size_t)fed_comm_size(engine->comm);
    size_t rank = (size_t)fed_comm_rank(engine->comm), each = (length + ranks - 1) / ranks;
    *first = rank * each < length ? rank * each : length;
    *count = length - *first < each ? length - *first : each;
    return engine->sums + *first;
}

void fed_engine_send(fed_engine_t *engine, float *down) {
    size_t count = engine->problem->method->slots.lengths[FED_OWNER_DOWN];
    fed_phases_begin(engine, FED_PHASE_SENDING);
    fed_comm_broadcast(engine->comm, down, count * sizeof *down);
}
