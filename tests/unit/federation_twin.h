/* A federation in one process, round by round, on the problems of tests/golden/clients.h5:
 * what the round loop does, with the batches' order given, and without MPI. */
#ifndef TESTS_UNIT_FEDERATION_TWIN_H
#define TESTS_UNIT_FEDERATION_TWIN_H

#include "golden.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/fl/client.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/run/rooms.h"
#include "fedmpi/sim/federated.h"

#include <string.h>

enum { CLIENTS = 3, ROUNDS = 3 };

typedef struct twin {
    hid_t file;
    const char *problem; /* "logistic" or "mlp" */
    fed_config_t config;
    fed_method_t method;
    fed_model_t model;
    fed_samples_t samples;
    float scale, shift;
    float *x;
    int32_t *labels, *offsets, *participants;
    fed_training_t training;
    fed_evaluator_t evaluator;
    fed_states_t states;
    float *down; /* blocks of the slots' owners */
    int64_t *sums;
    double *up, *server;
    float *local[CLIENTS];           /* [n]: where the round's clients ended */
    fed_client_row_t rows[CLIENTS];  /* of the round's participants */
    fed_measure_t measured[CLIENTS]; /* mean over the round's epochs */
} twin_t;

static inline void twin_set(twin_t *twin, const char *key, const char *format, ...) {
    char value[64], assignment[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    snprintf(assignment, sizeof assignment, "%s=%s", key, value);
    if (fed_config_override(&twin->config, assignment) != FED_OK)
        fail_msg("%s", fed_error_message());
}

/* The problem's data and configuration; more keys may be set before twin_start. */
static inline void twin_init(twin_t *twin, hid_t file, const char *problem) {
    *twin = (twin_t){.file = file, .problem = problem, .scale = 1};
    GOLDEN_PATH(group, "/%s", problem);
    GOLDEN_PATH(x, "/%s/x", problem);
    GOLDEN_PATH(labels, "/%s/labels", problem);
    GOLDEN_PATH(offsets, "/%s/client_offsets", problem);
    GOLDEN_PATH(participants, "/%s/participants", problem);
    size_t count;
    twin->x = golden_floats(file, x, NULL);
    twin->labels = golden_integers(file, labels, &count);
    twin->offsets = golden_integers(file, offsets, NULL);
    twin->participants = golden_integers(file, participants, NULL);
    twin->samples = (fed_samples_t){.count = count,
                                    .features = 6,
                                    .channels = 1,
                                    .type = FED_VALUES_FLOAT32,
                                    .values = twin->x,
                                    .labels = twin->labels,
                                    .scale = &twin->scale,
                                    .shift = &twin->shift};
    fed_config_init(&twin->config, fed_rooms);
    twin_set(twin, "model.type", "%s", problem);
    twin_set(twin, "model.hidden", "5");
    twin_set(twin, "training.epochs", "%.0f", golden_number(file, group, "epochs"));
    twin_set(twin, "training.batch_size", "%.0f", golden_number(file, group, "batch_size"));
    twin_set(twin, "training.learning_rate", "0.1");
    twin_set(twin, "training.momentum", "0");
}

/* @param density  of the inputs, as the model is told: below 1/2 it skips zeros */
static inline void twin_start(twin_t *twin, double density) {
    fed_model_input_t input = {1, 1, 6, 3, density};
    if (fed_method_find(&twin->method, &twin->config) != FED_OK ||
        fed_model_init(&twin->model, &twin->config, &input) != FED_OK)
        fail_msg("%s", fed_error_message());
    size_t n = twin->model.parameters;
    fed_method_settle(&twin->method, &twin->config, n);
    const size_t *lengths = twin->method.slots.lengths;
    fed_training_init(&twin->training, &twin->model, &twin->samples, &twin->config);
    fed_evaluator_init(&twin->evaluator, &twin->model);
    fed_states_init(&twin->states, CLIENTS, lengths[FED_OWNER_CLIENT]);
    twin->down = FED_NEW_ARRAY(float, lengths[FED_OWNER_DOWN]);
    twin->sums = FED_NEW_ARRAY(int64_t, lengths[FED_OWNER_UP]);
    twin->up = FED_NEW_ARRAY(double, lengths[FED_OWNER_UP]);
    twin->server = FED_NEW_ARRAY(double, lengths[FED_OWNER_SERVER]);
    fed_method_start(&twin->method, &twin->config, twin->server);
    for (size_t k = 0; k < CLIENTS; k++)
        twin->local[k] = FED_NEW_ARRAY(float, n);
    for (size_t t = 0; t < twin->model.tensor_count; t++) {
        GOLDEN_PATH(path, "/%s/initial/%s", twin->problem, twin->model.tensors[t].name);
        float *values = golden_floats(twin->file, path, NULL);
        fed_tensor_import(&twin->model.tensors[t], values, twin->down);
        free(values);
    }
}

static inline void twin_fini(twin_t *twin) {
    for (size_t k = 0; k < CLIENTS; k++)
        fed_free(twin->local[k]);
    fed_free(twin->down);
    fed_free(twin->sums);
    fed_free(twin->up);
    fed_free(twin->server);
    fed_method_fini(&twin->method);
    fed_states_fini(&twin->states);
    fed_evaluator_fini(&twin->evaluator);
    fed_training_fini(&twin->training);
    fed_model_fini(&twin->model);
    fed_config_fini(&twin->config);
    free(twin->x);
    free(twin->labels);
    free(twin->offsets);
    free(twin->participants);
    assert_int_equal(fed_memory_live(), 0);
}

/* Number j of the server's slot that estimates the clients' mean gradient. */
static inline double twin_server_state(const twin_t *twin, size_t j) {
    const fed_place_t *control = fed_slots_find(&twin->method.slots, FED_OWNER_DOWN, "control");
    return control ? (double)twin->down[control->offset + j] : twin->server[j];
}

static inline size_t twin_samples(const twin_t *twin, size_t client) {
    return (size_t)(twin->offsets[client + 1] - twin->offsets[client]);
}

/* What a client weighs before the participants' weights are made to add up to 1. */
static inline double twin_raw_weight(const twin_t *twin, size_t client) {
    return fed_federated_options(&twin->config)->weighting == FED_WEIGHT_SAMPLES
               ? (double)twin_samples(twin, client)
               : 1;
}

static inline bool twin_takes_part(const twin_t *twin, size_t round, size_t client) {
    return twin->participants[round * CLIENTS + client] != 0;
}

/* The samples of all the client's steps in this round, in their order. */
static inline uint32_t *twin_order(const twin_t *twin, size_t round, size_t client) {
    GOLDEN_PATH(rounds_path, "/%s/step_round", twin->problem);
    GOLDEN_PATH(clients_path, "/%s/step_client", twin->problem);
    GOLDEN_PATH(indices_path, "/%s/step_indices", twin->problem);
    size_t steps, entries, at = 0;
    int32_t *rounds = golden_integers(twin->file, rounds_path, &steps);
    int32_t *clients = golden_integers(twin->file, clients_path, NULL);
    int32_t *indices = golden_integers(twin->file, indices_path, &entries);
    uint32_t *order = calloc(entries, sizeof *order);
    for (size_t i = 0; i < entries; i++) {
        size_t step = i / (entries / steps);
        if ((size_t)rounds[step] == round && (size_t)clients[step] == client && indices[i] >= 0)
            order[at++] = (uint32_t)indices[i];
    }
    free(rounds);
    free(clients);
    free(indices);
    return order;
}

static inline void twin_train(twin_t *twin, size_t round, size_t client, double weight,
                              bool golden_order, fed_client_row_t *row) {
    uint32_t *order = golden_order ? twin_order(twin, round, client) : NULL;
    uint32_t own[64];
    size_t count = twin_samples(twin, client);
    for (size_t i = 0; i < count; i++)
        own[i] = (uint32_t)twin->offsets[client] + (uint32_t)i;
    fed_trainer_t trainer = {
        .config = &twin->config,
        .method = &twin->method,
        .training = &twin->training,
        .states = &twin->states,
        .down = twin->down,
        .sums = twin->sums,
    };
    fed_client_task_t task = {.seed = 1,
                              .round = (uint32_t)round + 1,
                              .client = (uint32_t)client,
                              .samples = own,
                              .count = count,
                              .weight = weight,
                              .order = order};
    fed_local_epoch_row_t epochs[64] = {{0}};
    fed_tracking_t tracking = {&twin->evaluator, &twin->samples, epochs};
    if (fed_client_train(&trainer, &task, &tracking, row) != FED_OK)
        fail_msg("%s", fed_error_message());
    free(order);
    int64_t epoch_count = fed_client_epochs(twin->method.algorithm, &twin->config, count);
    twin->measured[client] = (fed_measure_t){0};
    for (int64_t e = 0; e < epoch_count; e++) {
        twin->measured[client].loss += epochs[e].train.loss / (double)epoch_count;
        twin->measured[client].accuracy += epochs[e].train.accuracy / (double)epoch_count;
    }
    memcpy(twin->local[client], twin->training.w, twin->model.parameters * sizeof(float));
}

static inline void twin_round(twin_t *twin, size_t round, bool golden_order) {
    size_t length = twin->method.slots.lengths[FED_OWNER_UP], participants = 0;
    double here = 0, all = 0;
    for (size_t k = 0; k < CLIENTS; k++) {
        all += twin_raw_weight(twin, k);
        here += twin_takes_part(twin, round, k) ? twin_raw_weight(twin, k) : 0;
    }
    memset(twin->sums, 0, length * sizeof *twin->sums);
    for (size_t k = 0; k < CLIENTS; k++)
        if (twin_takes_part(twin, round, k))
            twin_train(twin, round, k, twin_raw_weight(twin, k) / here, golden_order,
                       &twin->rows[participants++]);
    fed_fixed_decode_double(length, twin->sums, twin->up);
    fed_aggregate_t aggregate = {
        .config = &twin->config,
        .slots = &twin->method.slots,
        .clients = twin->rows,
        .participants = participants,
        .share = here / all,
        .up = twin->up,
        .down = twin->down,
        .server = twin->server,
    };
    fed_method_step(&twin->method, &aggregate);
    fed_states_commit(&twin->states);
}

#endif
