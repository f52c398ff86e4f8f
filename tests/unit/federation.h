/* A federation on the problems of tests/golden/clients.h5: engine and protocol as a run has them,
 * on one rank without MPI, with participants and order of batches from the file. */
#ifndef TESTS_UNIT_FEDERATION_H
#define TESTS_UNIT_FEDERATION_H

#include "golden.h"
#include "problem.h"

#include "fedmpi/sim/federated.h"
#include "fedmpi/sim/protocol.h"

enum { CLIENTS = 3, ROUNDS = 3 };

typedef struct federation {
    problem_t problem;
    hid_t file;
    const char *name; /* of the problem: "logistic" or "mlp" */
    float *x;
    int32_t *labels, *participants;
    bool golden_order; /* of the batches; else shuffled by the seed */
    uint32_t *order;   /* of the client that trains */
    fed_comm_t *comm;
    fed_engine_t *engine;
    const fed_protocol_t *protocol;
    void *state;
    const float *w; /* the global model */
    fed_trained_t trained;
    fed_client_row_t client_rows[CLIENTS]; /* of the last round */
    size_t row_count;
    float *local[CLIENTS];           /* [n]: where the round's clients ended */
    fed_measure_t measured[CLIENTS]; /* mean over the round's epochs */
} federation_t;

/* The problem's data and configuration; more keys may be set before federation_start. */
static inline void federation_init(federation_t *federation, hid_t file, const char *name) {
    *federation = (federation_t){.file = file, .name = name};
    GOLDEN_PATH(group, "/%s", name);
    GOLDEN_PATH(x, "/%s/x", name);
    GOLDEN_PATH(labels, "/%s/labels", name);
    GOLDEN_PATH(offsets_path, "/%s/client_offsets", name);
    GOLDEN_PATH(participants, "/%s/participants", name);
    federation->x = golden_floats(file, x, NULL);
    federation->labels = golden_integers(file, labels, NULL);
    federation->participants = golden_integers(file, participants, NULL);
    int32_t *offsets = golden_integers(file, offsets_path, NULL);
    size_t counts[CLIENTS];
    for (size_t k = 0; k < CLIENTS; k++)
        counts[k] = (size_t)(offsets[k + 1] - offsets[k]);
    free(offsets);
    problem_init(&federation->problem, 6, 3, federation->x, federation->labels, counts, CLIENTS);
    fed_config_t *config = &federation->problem.config;
    set(config, "model.type", "%s", name);
    set(config, "model.hidden", "5");
    set(config, "training.epochs", "%.0f", golden_number(file, group, "epochs"));
    set(config, "training.batch_size", "%.0f", golden_number(file, group, "batch_size"));
    set(config, "training.learning_rate", "0.1");
    set(config, "training.momentum", "0");
    set(config, "federated.tracked_clients", "0,1,2");
}

static inline size_t federation_samples(const federation_t *federation, size_t client) {
    return fed_partition_count(&federation->problem.partition, client);
}

/* Rounds count from 1, as everywhere; in the file from 0. */
static inline bool federation_takes_part(const federation_t *federation, int64_t round,
                                         size_t client) {
    return federation->participants[(size_t)(round - 1) * CLIENTS + client] != 0;
}

/* A sampler that draws whom the file says. */
static inline size_t draw_golden(const fed_draw_t *draw) {
    const char *partition = (const char *)draw->partition;
    const federation_t *federation =
        (const federation_t *)(partition - offsetof(federation_t, problem.partition));
    size_t drawn = 0;
    for (uint32_t k = 0; k < CLIENTS; k++)
        if (federation_takes_part(federation, draw->stream.when, k))
            draw->chosen[drawn++] = k;
    return drawn;
}

static const fed_sampler_t golden_sampler = {
    .plugin = {.name = "golden", .summary = ""},
    .draws_any_number = true,
    .draw = draw_golden,
};

/* The samples of all the client's steps in this round, in their order. */
static inline const uint32_t *give_order(void *context, uint32_t client, int64_t round) {
    federation_t *federation = context;
    if (!federation->golden_order)
        return NULL;
    GOLDEN_PATH(rounds_path, "/%s/step_round", federation->name);
    GOLDEN_PATH(clients_path, "/%s/step_client", federation->name);
    GOLDEN_PATH(indices_path, "/%s/step_indices", federation->name);
    size_t steps, entries, at = 0;
    int32_t *rounds = golden_integers(federation->file, rounds_path, &steps);
    int32_t *clients = golden_integers(federation->file, clients_path, NULL);
    int32_t *indices = golden_integers(federation->file, indices_path, &entries);
    free(federation->order);
    federation->order = calloc(entries, sizeof *federation->order);
    for (size_t i = 0; i < entries; i++) {
        size_t step = i / (entries / steps);
        if (rounds[step] == round - 1 && clients[step] == (int32_t)client && indices[i] >= 0)
            federation->order[at++] = (uint32_t)indices[i];
    }
    free(rounds);
    free(clients);
    free(indices);
    return federation->order;
}

static inline void keep_local(void *context, uint32_t client, const fed_training_t *training) {
    const federation_t *federation = context;
    memcpy(federation->local[client], training->w,
           federation->problem.model.parameters * sizeof(float));
}

static inline void keep_rows(void *context, const void *rows, size_t count) {
    federation_t *federation = context;
    size_t row_bytes = fed_engine_rows_bytes(fed_engine_problem(federation->engine), 1);
    for (size_t i = 0; i < count; i++)
        memcpy(&federation->client_rows[federation->row_count++],
               (const char *)rows + i * row_bytes, sizeof *federation->client_rows);
}

/* The parameters that the file starts from. */
static inline float *golden_start(const federation_t *federation) {
    const fed_model_t *model = &federation->problem.model;
    float *initial = FED_NEW_ARRAY(float, model->parameters);
    for (size_t t = 0; t < model->tensor_count; t++) {
        GOLDEN_PATH(path, "/%s/initial/%s", federation->name, model->tensors[t].name);
        float *values = golden_floats(federation->file, path, NULL);
        fed_tensor_import(&model->tensors[t], values, initial);
        free(values);
    }
    return initial;
}

/* @param density  of the inputs, as the model is told: below 1/2 it skips zeros */
static inline void federation_start(federation_t *federation, double density) {
    problem_settle(&federation->problem, density);
    federation->problem.method.sampler = &golden_sampler;
    for (size_t k = 0; k < CLIENTS; k++)
        federation->local[k] = FED_NEW_ARRAY(float, federation->problem.model.parameters);
    fed_observer_t observer = {
        .context = federation, .trained = keep_local, .rows = keep_rows, .order = give_order};
    federation->comm = fed_comm_alone();
    assert_ok(fed_engine_create(federation->comm, &federation->problem.view, &observer,
                                &federation->engine));
    FED_AUTOFREE float *initial = golden_start(federation);
    federation->protocol = fed_protocol_of(&federation->problem.config);
    federation->state = federation->protocol->create(federation->engine, initial);
    federation->w = federation->protocol->model(federation->state);
    federation->protocol->start(federation->state, federation->engine);
}

static inline void federation_fini(federation_t *federation) {
    federation->protocol->destroy(federation->state);
    fed_engine_destroy(federation->engine);
    fed_comm_destroy(federation->comm);
    for (size_t k = 0; k < CLIENTS; k++)
        fed_free(federation->local[k]);
    problem_fini(&federation->problem);
    free(federation->x);
    free(federation->labels);
    free(federation->participants);
    free(federation->order);
    assert_int_equal(fed_memory_live(), 0);
}

/* @param golden_order  the batches are those of the file @return the round's row */
static inline fed_round_row_t federation_round(federation_t *federation, int64_t round,
                                               bool golden_order) {
    fed_round_row_t row = {.round = round};
    federation->golden_order = golden_order;
    federation->row_count = 0;
    fed_engine_begin(federation->engine, round, FED_OK);
    assert_ok(federation->protocol->round(federation->state, federation->engine, round,
                                          &federation->trained, &row));
    fed_engine_end(federation->engine);
    fed_engine_account(federation->engine, &federation->trained, &row);
    size_t epochs[CLIENTS] = {0};
    memset(federation->measured, 0, sizeof federation->measured);
    for (size_t i = 0; i < federation->trained.local_epoch_count; i++) {
        const fed_local_epoch_row_t *epoch = &federation->trained.local_epochs[i];
        federation->measured[epoch->client].loss += epoch->train.loss;
        federation->measured[epoch->client].accuracy += epoch->train.accuracy;
        epochs[epoch->client]++;
    }
    for (size_t k = 0; k < CLIENTS; k++) {
        federation->measured[k].loss /= (double)epochs[k];
        federation->measured[k].accuracy /= (double)epochs[k];
    }
    return row;
}

#endif
