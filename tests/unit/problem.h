/* A small problem for clients, engine and protocols: samples in memory, dealt to clients one
 * after another. */
#ifndef TESTS_UNIT_PROBLEM_H
#define TESTS_UNIT_PROBLEM_H

#include "support.h"

#include "fedmpi/run/rooms.h"
#include "fedmpi/sim/problem.h"

typedef struct problem {
    fed_config_t config;
    fed_method_t method;
    fed_model_t model;
    fed_dataset_t dataset; /* training and test set are the same */
    fed_partition_t partition, holdout;
    float scale, shift;
    fed_problem_t view;
} problem_t;

/* Its data; keys may be set before problem_settle.
 * @param x, labels  [samples][features], [samples]; borrowed
 * @param counts     [clients]: samples of each, in their order; they may leave some over */
static inline void problem_init(problem_t *problem, size_t features, size_t classes, const float *x,
                                const int32_t *labels, const size_t *counts, size_t clients) {
    *problem = (problem_t){.scale = 1};
    size_t *first = FED_NEW_ARRAY(size_t, clients + 1);
    for (size_t k = 0; k < clients; k++)
        first[k + 1] = first[k] + counts[k];
    problem->partition = (fed_partition_t){
        .clients = clients, .first = first, .listed = FED_NEW_ARRAY(uint32_t, first[clients])};
    fed_samples_t samples = {.count = first[clients],
                             .features = features,
                             .channels = 1,
                             .type = FED_VALUES_FLOAT32,
                             .values = x,
                             .labels = labels,
                             .scale = &problem->scale,
                             .shift = &problem->shift};
    problem->dataset = (fed_dataset_t){.train = samples,
                                       .test = samples,
                                       .channels = 1,
                                       .height = 1,
                                       .width = features,
                                       .classes = classes};
    fed_config_init(&problem->config, fed_rooms);
    set(&problem->config, "federated.tracked_clients", "0");
}

/* Method and model, as the keys say.
 * @param density  of the inputs, as the model is told: below 1/2 it skips zeros */
static inline void problem_settle(problem_t *problem, double density) {
    fed_model_input_t input = {1, 1, problem->dataset.width, problem->dataset.classes, density};
    assert_ok(fed_method_find(&problem->method, &problem->config));
    assert_ok(fed_model_init(&problem->model, &problem->config, &input));
    fed_method_settle(&problem->method, &problem->config, problem->model.parameters);
    problem->view = (fed_problem_t){
        .config = &problem->config,
        .method = &problem->method,
        .model = &problem->model,
        .dataset = &problem->dataset,
        .partition = &problem->partition,
        .holdout = &problem->holdout,
    };
}

static inline void problem_fini(problem_t *problem) {
    fed_method_fini(&problem->method);
    fed_model_fini(&problem->model);
    fed_partition_fini(&problem->partition);
    fed_config_fini(&problem->config);
}

#endif
