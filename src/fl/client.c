/* Local training. */
#include "send.h"

#include "fedmpi/core/clock.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/stop.h"

#include <math.h>
#include <string.h>

static const char *const divergence_words[] = {
    [FED_DIVERGENCE_STOPS] = "stop",
    [FED_DIVERGENCE_SKIPS] = "skip",
    NULL,
};

static const fed_key_t keys[] = {
    FED_CHOICE(fed_client_options_t, on_divergence, divergence_words, "stop",
               "a client whose parameters leave the range of numbers: stop the run, or leave the "
               "client out of the round",
               .resumable = true),
};

const fed_key_group_t fed_client_keys = FED_KEY_GROUP("federated", fed_client_options_t, keys);

int64_t fed_client_epochs(const fed_algorithm_t *algorithm, const fed_config_t *config,
                          size_t samples) {
    int64_t steps = fed_training_options(config)->steps,
            batch_size = fed_training_options(config)->batch_size;
    int64_t batches = ((int64_t)samples + batch_size - 1) / batch_size;
    if (algorithm->train)
        return 1;
    if (steps == 0)
        return fed_training_options(config)->epochs;
    return batches > 0 ? (steps + batches - 1) / batches : 1;
}

double fed_client_gradients(const fed_config_t *config, int64_t steps) {
    double momentum = fed_momentum_options(config)->momentum, velocity = 0, weight = 0;
    for (int64_t step = 0; step < steps; step++) {
        velocity = momentum * velocity + 1;
        weight += fed_momentum_options(config)->nesterov ? momentum * velocity + 1 : velocity;
    }
    return weight;
}

fed_stream_t fed_client_stream(const fed_client_task_t *task, int64_t epoch) {
    return (fed_stream_t){
        .seed = task->seed,
        .who = task->client,
        .when = task->round,
        .which = (uint32_t)epoch,
    };
}

static void begin_epoch(fed_client_t *client, int64_t epoch) {
    const fed_client_task_t *task = client->task;
    fed_stream_t stream = fed_client_stream(task, epoch);
    if (task->order)
        fed_training_begin_ordered(
            client->training, task->order + (size_t)(epoch - 1) * task->count, task->count, stream);
    else
        fed_training_begin_epoch(client->training, task->samples, task->count, stream);
}

static fed_status_t train_epoch(fed_client_t *client, int64_t epoch) {
    begin_epoch(client, epoch);
    int64_t limit = fed_training_options(client->trainer->config)->steps;
    while ((limit == 0 || client->steps < limit) && fed_training_step(client->training)) {
        client->steps++;
        if (fed_stop_requested())
            return fed_stop_status();
    }
    return FED_OK;
}

/* Block by block, so that a stop need not wait for a whole test set. */
static fed_status_t track_epoch(const fed_tracking_t *tracking, const fed_client_t *client,
                                int64_t epoch) {
    fed_score_t score = {0};
    size_t blocks = fed_evaluation_blocks(tracking->test);
    fed_training_settle(client->training);
    for (size_t block = 0; block < blocks; block++) {
        if (fed_stop_requested())
            return fed_stop_status();
        fed_evaluate(tracking->evaluator, tracking->test, client->training->w, block, &score, NULL);
    }
    tracking->rows[epoch - 1] = (fed_local_epoch_row_t){
        .round = client->task->round,
        .client = client->task->client,
        .epoch = epoch,
        .train = fed_training_measure(client->training),
        .test = fed_score_measure(&score),
    };
    return FED_OK;
}

const fed_slot_t fed_slot_momentum = {FED_OWNER_CLIENT, "momentum", 0};

const float *fed_client_down(const fed_client_t *client, const fed_slot_t *slot) {
    return client->trainer->down + fed_slots_place(&client->trainer->method->slots, slot)->offset;
}

float *fed_client_state(const fed_client_t *client, const fed_slot_t *slot) {
    return client->state + fed_slots_place(&client->trainer->method->slots, slot)->offset;
}

void fed_client_send_slot(fed_client_t *client, const fed_slot_t *slot, const float *to,
                          const float *from) {
    size_t index = fed_slots_place(&client->trainer->method->slots, slot)->index;
    client->up[index] = (fed_difference_t){to, from};
}

void fed_client_note(const fed_client_t *client, const fed_added_column_t *column, double value) {
    const fed_trainer_t *trainer = client->trainer;
    if (trainer->cells)
        fed_columns_set(&trainer->method->client_columns, trainer->cells, column, value);
}

static void correct_gradient(const void *context, size_t first, size_t count, float *g) {
    const fed_client_t *client = context;
    client->trainer->method->algorithm->correct(client, first, count, g);
}

/* The state in which a client begins. @return where its momentum is kept, or NULL */
static float *begin(fed_client_t *client) {
    const fed_trainer_t *trainer = client->trainer;
    const fed_algorithm_t *algorithm = trainer->method->algorithm;
    fed_training_t *training = client->training;
    training->sgd.learning_rate =
        (float)fed_learning_rate(trainer->method->schedule, trainer->config, client->task->round);
    client->state = fed_states_open(trainer->states, client->task->client);
    float *momentum = NULL;
    if (fed_momentum_persists(trainer->config))
        momentum = fed_client_state(client, &fed_slot_momentum);
    const fed_privacy_t *privacy = &trainer->method->privacy;
    training->draws_samples = privacy->mechanism->per_sample;
    training->sample_noise = privacy->noise;
    if (algorithm->correct || algorithm->train || training->draws_samples)
        fed_training_separate_gradient(training);
    fed_training_start(training, client->w);
    if (momentum)
        memcpy(training->v, momentum, training->model->parameters * sizeof *momentum);
    training->relabel = client->attack ? client->attack->relabel : NULL;
    if (algorithm->correct)
        training->correction = (fed_correction_t){correct_gradient, client};
    return momentum;
}

static fed_status_t train(fed_client_t *client, const fed_tracking_t *tracking) {
    const fed_algorithm_t *algorithm = client->trainer->method->algorithm;
    int64_t epochs = fed_client_epochs(algorithm, client->trainer->config, client->task->count);
    for (int64_t epoch = 1; epoch <= epochs; epoch++) {
        FED_TRY(algorithm->train ? algorithm->train(client) : train_epoch(client, epoch));
        if (tracking)
            FED_TRY(track_epoch(tracking, client, epoch));
    }
    fed_training_settle(client->training);
    return FED_OK;
}

fed_status_t fed_client_train(const fed_trainer_t *trainer, const fed_client_task_t *task,
                              const fed_tracking_t *tracking, fed_client_row_t *row) {
    const fed_algorithm_t *algorithm = trainer->method->algorithm;
    fed_training_t *training = trainer->training;
    double started = fed_clock_seconds();
    FED_AUTOFREE fed_difference_t *up =
        FED_NEW_ARRAY(fed_difference_t, trainer->method->slots.counts[FED_OWNER_UP]);
    fed_client_t client = {
        .trainer = trainer,
        .task = task,
        .training = training,
        .attack = fed_byzantine_attack(trainer->byzantine, task->client),
        .scale = 1,
        .up = up,
    };
    if (trainer->cells)
        fed_columns_clear(&trainer->method->client_columns, trainer->cells);
    client.w = fed_client_down(&client, &fed_slot_parameters);
    fed_client_send_slot(&client, &fed_slot_update, training->w, client.w);
    float *momentum = begin(&client);
    fed_status_t trained = train(&client, tracking);
    training->correction = (fed_correction_t){0}; /* which points to this client */
    FED_TRY(trained);
    fed_measure_t measure = fed_training_measure(training);
    if (momentum)
        memcpy(momentum, training->v, training->model->parameters * sizeof *momentum);
    if (algorithm->finish)
        algorithm->finish(&client);

    double norm = 0;
    fed_status_t status = fed_client_send(&client, &norm);
    bool diverged = status == FED_DIVERGED;
    *row = (fed_client_row_t){
        .round = task->round,
        .client = task->client,
        .samples = (int64_t)task->count,
        .steps = client.steps,
        .weight = diverged ? 0 : task->weight,
        .diverged = diverged,
        .byzantine = client.attack != NULL,
        .train = measure,
        .update_norm = diverged ? NAN : norm,
        .train_seconds = fed_clock_seconds() - started,
    };
    if (diverged)
        fed_states_discard(trainer->states, task->client);
    return status;
}
