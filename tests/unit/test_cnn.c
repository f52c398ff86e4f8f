/* Whole models: convolutional networks against PyTorch's trajectories, derivatives
 * against finite differences, tensors, initial values, dropout, memory. */
#include "golden.h"
#include "nn/initializations/initializations.h"
#include "support.h"

#include "fedmpi/fl/training.h"
#include "fedmpi/math/softmax.h"
#include "fedmpi/nn/workspace.h"
#include "fedmpi/run/rooms.h"

#include <malloc.h>
#include <math.h>

enum { LARGEST_BATCH = 12 };

/* A model with what it takes to train it. On the heap: the workspace points to the model. */
typedef struct {
    fed_config_t config;
    fed_model_t model;
    fed_workspace_t *workspace;
    float *w, *v;
} network_t;

/* What is configured of a network. */
typedef struct {
    const char *type, *filters, *dense;
    int groups;
    double dropout;
    int blocks;
    bool share_blocks;
} shape_t;

static void configure(fed_config_t *config, const shape_t *shape) {
    fed_config_init(config, fed_rooms);
    set(config, "model.type", "%s", shape->type);
    set(config, "model.filters", "%s", shape->filters);
    set(config, "model.dense", "%s", shape->dense);
    set(config, "model.hidden", "%s", shape->dense);
    set(config, "model.norm_groups", "%d", shape->groups);
    set(config, "model.dropout", "%.17g", shape->dropout);
    set(config, "model.blocks", "%d", shape->blocks);
    set(config, "model.share_blocks", "%s", shape->share_blocks ? "true" : "false");
}

static network_t *network_create(shape_t shape, fed_model_input_t input) {
    network_t *network = FED_NEW(network_t);
    configure(&network->config, &shape);
    assert_ok(fed_model_init(&network->model, &network->config, &input));
    network->workspace = fed_workspace_create(&network->model, LARGEST_BATCH);
    network->w = FED_NEW_ARRAY(float, network->model.parameters);
    network->v = FED_NEW_ARRAY(float, network->model.parameters);
    fed_initialization_draw(&fed_initialization_pytorch, &network->model, 3, network->w);
    return network;
}

static void network_destroy(network_t *network) {
    fed_workspace_destroy(network->workspace);
    fed_model_fini(&network->model);
    fed_config_fini(&network->config);
    fed_free(network->w);
    fed_free(network->v);
    fed_free(network);
}

static double step(network_t *network, const fed_sink_t *sink, size_t batch, const float *x,
                   const int32_t *labels, size_t position, int64_t *correct) {
    const fed_stream_t stream = {.seed = 1, .who = 2, .when = 3, .which = 4};
    double loss = 0;
    fed_model_draw(&network->model, network->workspace, &stream, position, batch);
    fed_model_step(&network->model, network->workspace, sink, batch, x, labels, network->w, &loss,
                   correct);
    fed_model_settle(&network->model, network->workspace);
    return loss / (double)batch;
}

/* --- PyTorch's trajectories ------------------------------------------------------- */

static hid_t golden;

static int open_golden(void **state) {
    (void)state;
    golden = golden_open("tests/golden/cnn.h5");
    return 0;
}

static int close_golden(void **state) {
    (void)state;
    return H5Fclose(golden) < 0;
}

static void assert_near(const char *path, const float *got, const float *expected, size_t n,
                        double tolerance) {
    for (size_t j = 0; j < n; j++)
        if (!(fabs((double)got[j] - (double)expected[j]) <=
              tolerance * (1 + fabs((double)expected[j]))))
            fail_msg("%s: number %zu of %zu is %.9g, not %.9g", path, j, n, (double)got[j],
                     (double)expected[j]);
}

/* The tensors in `vector` are those of a group; row: of the group's first dimension. */
static void compare_tensors(const fed_model_t *model, const float *vector, const char *group,
                            size_t row, double tolerance) {
    for (size_t t = 0; t < model->tensor_count; t++) {
        const fed_tensor_t *tensor = &model->tensors[t];
        GOLDEN_PATH(path, "%s/%s", group, tensor->name);
        size_t count;
        float *expected = golden_floats(golden, path, &count);
        float *values = calloc(tensor->count, sizeof *values);
        assert_true(count >= (row + 1) * tensor->count);
        fed_tensor_export(tensor, vector, values);
        assert_near(path, values, expected + row * tensor->count, tensor->count, tolerance);
        free(expected);
        free(values);
    }
}

static void load_initial(network_t *network, const char *name) {
    for (size_t t = 0; t < network->model.tensor_count; t++) {
        const fed_tensor_t *tensor = &network->model.tensors[t];
        GOLDEN_PATH(path, "/%s/initial/%s", name, tensor->name);
        size_t count;
        float *values = golden_floats(golden, path, &count);
        assert_int_equal(count, tensor->count);
        fed_tensor_import(tensor, values, network->w);
        free(values);
    }
    memset(network->v, 0, network->model.parameters * sizeof *network->v);
}

/* What all models of the file have. */
typedef struct {
    float *x;
    int32_t *labels, *indices, *sizes;
    size_t samples, features, batch_size, steps;
} data_t;

static data_t load_data(const char *name, size_t features) {
    GOLDEN_PATH(group, "/%.16s", name);
    GOLDEN_PATH(x, "/%.16s/x", name);
    GOLDEN_PATH(labels, "/%.16s/labels", name);
    GOLDEN_PATH(indices, "/%.16s/batch_indices", name);
    GOLDEN_PATH(sizes, "/%.16s/batch_sizes", name);
    data_t data = {
        .x = golden_floats(golden, x, NULL),
        .indices = golden_integers(golden, indices, NULL),
        .features = features,
        .batch_size = (size_t)golden_number(golden, group, "batch_size"),
    };
    data.labels = golden_integers(golden, labels, &data.samples);
    data.sizes = golden_integers(golden, sizes, &data.steps);
    return data;
}

static void data_free(data_t *data) {
    free(data->x), free(data->labels), free(data->indices), free(data->sizes);
}

/* The batch of a step; returns its size. */
static size_t gather(const data_t *data, size_t number, float *x, int32_t *labels) {
    size_t batch = (size_t)data->sizes[number];
    for (size_t s = 0; s < batch; s++) {
        size_t sample = (size_t)data->indices[number * data->batch_size + s];
        memcpy(x + s * data->features, data->x + sample * data->features,
               data->features * sizeof *x);
        labels[s] = data->labels[sample];
    }
    return batch;
}

static void check_first_batch(network_t *network, const data_t *data, const char *name, float *x) {
    const fed_sink_t sink = fed_sink_store(0, network->v);
    GOLDEN_PATH(logits_path, "/%.16s/first/logits", name);
    GOLDEN_PATH(loss_path, "/%.16s/first/loss", name);
    GOLDEN_PATH(gradient, "/%.16s/first/gradient", name);
    float *logits = golden_floats(golden, logits_path, NULL);
    double *loss = golden_doubles(golden, loss_path, NULL);
    int32_t labels[LARGEST_BATCH];
    int64_t correct = 0;
    size_t batch = gather(data, 0, x, labels);
    assert_near(logits_path,
                fed_model_infer(&network->model, network->workspace, batch, x, network->w), logits,
                batch * network->model.classes, 2e-6);
    double got = step(network, &sink, batch, x, labels, 0, &correct);
    assert_true(fabs(got - *loss) <= 2e-6 * (1 + *loss));
    compare_tensors(&network->model, network->v, gradient, 0, 2e-6);
    free(logits);
    free(loss);
}

/* What PyTorch's optimizer came to. */
typedef struct {
    const char *name, *optimizer;
    double *losses;
    int32_t *correct, *saved;
    size_t saved_count, next;
} trajectory_t;

static trajectory_t load_trajectory(const char *name, const char *optimizer) {
    GOLDEN_PATH(losses, "/%.16s/%.16s/batch_loss", name, optimizer);
    GOLDEN_PATH(correct, "/%.16s/%.16s/batch_correct", name, optimizer);
    GOLDEN_PATH(saved, "/%.16s/%.16s/saved_steps", name, optimizer);
    trajectory_t t = {.name = name,
                      .optimizer = optimizer,
                      .losses = golden_doubles(golden, losses, NULL),
                      .correct = golden_integers(golden, correct, NULL)};
    t.saved = golden_integers(golden, saved, &t.saved_count);
    return t;
}

/* Step `number`, from 0, had this mean loss and count of right answers and led to w. */
static void compare_step(trajectory_t *t, const fed_model_t *model, size_t number, double loss,
                         int64_t correct, const float *w) {
    if (!(fabs(loss - t->losses[number]) <= 2e-5 * (1 + t->losses[number])))
        fail_msg("%s, %s, step %zu: loss %.9g, not %.9g", t->name, t->optimizer, number + 1, loss,
                 t->losses[number]);
    assert_int_equal(correct, t->correct[number]);
    GOLDEN_PATH(after, "/%.16s/%.16s/after", t->name, t->optimizer);
    if (t->next < t->saved_count && (size_t)t->saved[t->next] == number + 1)
        compare_tensors(model, w, after, t->next++, 2e-5);
}

static void trajectory_end(trajectory_t *t) {
    assert_int_equal(t->next, t->saved_count);
    free(t->losses), free(t->correct), free(t->saved);
}

/* Norms of single samples' gradients, which are `batch` times their shares in the mean's. */
static void check_sample_norms(network_t *network, const data_t *data, const char *name, float *x) {
    GOLDEN_PATH(path, "/%.16s/first/sample_norms", name);
    double squared[LARGEST_BATCH] = {0}, *expected = golden_doubles(golden, path, NULL);
    const fed_sink_t sink = fed_sink_norms(squared);
    int32_t labels[LARGEST_BATCH];
    int64_t correct = 0;
    size_t batch = gather(data, 0, x, labels);
    step(network, &sink, batch, x, labels, 0, &correct);
    for (size_t s = 0; s < batch; s++) {
        double got = (double)batch * sqrt(squared[s]);
        if (!(fabs(got - expected[s]) <= 1e-5 * (1 + expected[s])))
            fail_msg("%s: the norm of sample %zu is %.9g, not %.9g", path, s, got, expected[s]);
    }
    free(expected);
}

static void set_golden(fed_config_t *config, const char *group, const char *key,
                       const char *attribute) {
    double value = golden_number(golden, group, attribute);
    GOLDEN_PATH(name, "training.%s", key);
    if (strcmp(key, "nesterov") == 0)
        set(config, name, "%s", value != 0 ? "true" : "false");
    else
        set(config, name, "%.17g", value);
}

/* The golden attributes of an optimizer, as the keys that they are. */
static void configure_optimizer(fed_config_t *config, const data_t *data, const char *group) {
    static const char *const sgd[][2] = {{"momentum", "momentum"}, {"nesterov", "nesterov"}};
    static const char *const adam[][2] = {
        {"adam_beta1", "beta1"}, {"adam_beta2", "beta2"}, {"adam_epsilon", "epsilon"}};
    bool is_sgd = H5Aexists_by_name(golden, group, "momentum", H5P_DEFAULT) > 0;
    char *optimizer = is_sgd ? NULL : golden_text(golden, group, "optimizer");
    set(config, "training.optimizer", "%s", is_sgd ? "sgd" : optimizer);
    set(config, "training.batch_size", "%zu", data->batch_size);
    set_golden(config, group, "learning_rate", "learning_rate");
    set_golden(config, group, "weight_decay", "weight_decay");
    for (size_t k = 0; is_sgd && k < sizeof sgd / sizeof *sgd; k++)
        set_golden(config, group, sgd[k][0], sgd[k][1]);
    for (size_t k = 0; !is_sgd && k < sizeof adam / sizeof *adam; k++)
        set_golden(config, group, adam[k][0], adam[k][1]);
    free(optimizer);
}

/* Steps as clients make them: of SGD in the backward pass unless weights are tied, of Adam on a
 * stored gradient. */
static void follow(network_t *network, const data_t *data, const char *name,
                   const char *optimizer) {
    GOLDEN_PATH(group, "/%.16s/%.16s", name, optimizer);
    const float scale = 1, shift = 0;
    const fed_samples_t samples = {.count = data->samples,
                                   .features = data->features,
                                   .channels = 1,
                                   .type = FED_VALUES_FLOAT32,
                                   .values = data->x,
                                   .labels = data->labels,
                                   .scale = &scale,
                                   .shift = &shift};
    trajectory_t trajectory = load_trajectory(name, optimizer);
    fed_training_t training;
    configure_optimizer(&network->config, data, group);
    load_initial(network, name);
    fed_training_init(&training, &network->model, &samples, &network->config);
    fed_training_start(&training, network->w);
    for (size_t number = 0; number < data->steps; number++) {
        const int32_t *indices = data->indices + number * data->batch_size;
        size_t batch = (size_t)data->sizes[number];
        fed_training_begin_ordered(&training, (const uint32_t *)indices, batch, (fed_stream_t){0});
        assert_true(fed_training_step(&training));
        fed_training_settle(&training);
        compare_step(&trajectory, &network->model, number, training.loss_sum / (double)batch,
                     training.correct, training.w);
    }
    fed_training_fini(&training);
    trajectory_end(&trajectory);
}

static void networks_train_as_pytorchs(void **unused) {
    (void)unused;
    static const struct {
        const char *name;
        shape_t shape;
        fed_model_input_t input;
        size_t optimizers; /* so many of the list below */
    } cases[] = {
        {"cnn", {"cnn", "3,4", "5", 0, 0, 0, false}, {1, 9, 6, 3, 1}, 6},
        {"color", {"cnn", "2,3", "4,3", 0, 0, 0, false}, {3, 4, 7, 3, 1}, 6},
        {"cifar", {"cifar-cnn", "4,6", "5,4", 2, 0, 0, false}, {3, 8, 8, 4, 1}, 6},
        {"single", {"cnn", "1", "2", 0, 0, 0, false}, {1, 3, 2, 2, 1}, 6},
        {"resnet", {"resnet", "4,6", "5", 2, 0, 2, false}, {3, 8, 9, 4, 1}, 2},
        {"resnet_plain", {"resnet", "3", "", 0, 0, 1, false}, {1, 5, 6, 3, 1}, 2},
        {"shared", {"resnet", "2,4", "", 2, 0, 3, true}, {1, 12, 12, 3, 1}, 2},
    };
    static const char *const optimizers[] = {"momentum", "adam",     "plain",
                                             "adamw",    "nesterov", "weight_decay"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        network_t *network = network_create(cases[i].shape, cases[i].input);
        data_t data = load_data(cases[i].name, network->model.inputs);
        float *x = calloc(LARGEST_BATCH * network->model.inputs, sizeof *x);
        load_initial(network, cases[i].name);
        check_first_batch(network, &data, cases[i].name, x);
        if (!network->model.tied)
            check_sample_norms(network, &data, cases[i].name, x);
        for (size_t o = 0; o < cases[i].optimizers; o++)
            follow(network, &data, cases[i].name, optimizers[o]);
        free(x);
        data_free(&data);
        network_destroy(network);
    }
}

/* --- derivatives of whole models -------------------------------------------------- */

/* Networks of any kind and odd sizes, and a batch for them. */
typedef struct {
    network_t *network;
    size_t batch;
    float *x;
    int32_t labels[LARGEST_BATCH];
} trial_t;

enum { KINDS = 6 };

static const char *const types[KINDS] = {"cnn", "cifar-cnn", "mlp", "logistic", "resnet", "resnet"};

static trial_t trial_of(shape_t shape) {
    fed_model_input_t input = {1 + any_below(3), 4 + any_below(5), 4 + any_below(5),
                               2 + any_below(4), any_below(2) ? 1.0 : 0.1};
    trial_t t = {
        .network = network_create(shape, input),
        .batch = 1 + any_below(LARGEST_BATCH),
    };
    t.x = calloc(LARGEST_BATCH * t.network->model.inputs, sizeof *t.x);
    for (size_t j = 0; j < LARGEST_BATCH * t.network->model.inputs; j++)
        t.x[j] = any_below(3) ? (float)any_number() : 0.0f;
    for (size_t s = 0; s < LARGEST_BATCH; s++)
        t.labels[s] = (int32_t)any_below(input.classes);
    return t;
}

static trial_t any_trial(size_t i, double dropout) {
    static const char *const filters[] = {"2,3", "1", "5,2", "17"};
    static const char *const dense[] = {"6", "1", "7,5", "33"};
    return trial_of((shape_t){types[i % KINDS], filters[i / KINDS % 4], dense[any_below(4)], 1,
                              dropout, 2, i % KINDS == 5});
}

static void trial_destroy(trial_t *t) {
    network_destroy(t->network);
    free(t->x);
}

/* The loss at w + length * direction; w stays. */
static double loss_along(trial_t *t, const float *direction, double length) {
    size_t n = t->network->model.parameters;
    float *w = t->network->w, *moved = calloc(n + 1, sizeof *moved);
    double loss = 0;
    int64_t correct = 0;
    for (size_t j = 0; j < n; j++)
        moved[j] = (float)((double)w[j] + length * (double)direction[j]);
    const float *logits =
        fed_model_infer(&t->network->model, t->network->workspace, t->batch, t->x, moved);
    fed_softmax_cross_entropy(t->batch, t->network->model.classes, logits, t->labels, NULL, &loss,
                              &correct);
    free(moved);
    return loss / (double)t->batch;
}

/* The difference quotient, of both sides or of one, that is nearest to what is expected: over a
 * long way a ReLU may open or close on one side, over a short one rounding shows. */
static double nearest_difference(trial_t *t, const float *direction, double expected) {
    static const double lengths[] = {1e-3, 2e-4, 4e-5, 1e-5};
    double here = loss_along(t, direction, 0), nearest = INFINITY;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        double way = lengths[i];
        double ahead = (loss_along(t, direction, way) - here) / way;
        double behind = (here - loss_along(t, direction, -way)) / way;
        const double found[] = {ahead, behind, (ahead + behind) / 2};
        for (size_t k = 0; k < 3; k++)
            if (fabs(found[k] - expected) < fabs(nearest - expected))
                nearest = found[k];
    }
    return nearest;
}

/* Along the gradient, where the difference is largest, and along a random direction. */
static void gradients_are_differences(void **unused) {
    (void)unused;
    for (size_t i = 0; i < trials(48); i++) {
        trial_t t = any_trial(i, 0);
        size_t n = t.network->model.parameters;
        int64_t correct = 0;
        double norm = 0;
        const fed_sink_t sink = fed_sink_store(0, t.network->v);
        step(t.network, &sink, t.batch, t.x, t.labels, 0, &correct);
        for (size_t j = 0; j < n; j++)
            norm += (double)t.network->v[j] * (double)t.network->v[j];
        norm = sqrt(norm);
        float *direction = calloc(n + 1, sizeof *direction);
        for (size_t kind = 0; kind < 2; kind++) {
            double expected = 0;
            for (size_t j = 0; j < n; j++)
                direction[j] =
                    (float)(kind ? any_number() / sqrt((double)n) : (double)t.network->v[j] / norm);
            for (size_t j = 0; j < n; j++)
                expected += (double)direction[j] * (double)t.network->v[j];
            double got = nearest_difference(&t, direction, expected);
            if (!(fabs(got - expected) <= 0.01 * norm + 1e-4))
                fail_msg("%s, trial %zu: %g along a direction, differences say %g",
                         fed_model_options(&t.network->config)->type->name, i, expected, got);
        }
        free(direction);
        trial_destroy(&t);
    }
}

/* --- single samples' gradients ----------------------------------------------------- */

/* The gradient of sample s alone, with what it drops in the batch, in `g`; its norm. */
static double sample_gradient(trial_t *t, size_t s, float *g) {
    const fed_sink_t sink = fed_sink_store(0, g);
    int64_t correct = 0;
    double sum = 0;
    step(t->network, &sink, 1, t->x + s * t->network->model.inputs, t->labels + s, s, &correct);
    for (size_t j = 0; j < t->network->model.parameters; j++)
        sum += (double)g[j] * (double)g[j];
    return sqrt(sum);
}

static double clipped_step(trial_t *t, double bound, const fed_sink_t *sink) {
    const fed_stream_t stream = {.seed = 1, .who = 2, .when = 3, .which = 4};
    double loss = 0;
    int64_t correct = 0;
    fed_model_draw(&t->network->model, t->network->workspace, &stream, 0, t->batch);
    fed_model_clipped_step(&t->network->model, t->network->workspace, sink, bound, t->batch, t->x,
                           t->labels, t->network->w, &loss, &correct);
    fed_model_settle(&t->network->model, t->network->workspace);
    return loss / (double)t->batch;
}

/* All norms at once against a backward pass a sample, and the mean of what is clipped by them. */
static void samples_are_clipped_alone(void **unused) {
    (void)unused;
    for (size_t i = 0; i < trials(48); i++) {
        if (i % KINDS == 5)
            continue; /* tied */
        trial_t t = any_trial(i, i % 2 ? 0.4 : 0);
        size_t n = t.network->model.parameters;
        float *g = calloc(n + 1, sizeof *g), *got = calloc(n + 1, sizeof *got);
        double *mean = calloc(n + 1, sizeof *mean), squared[LARGEST_BATCH] = {0};
        double norms[LARGEST_BATCH], bound = 0, length = 0;
        int64_t correct = 0;
        const fed_sink_t squares = fed_sink_norms(squared), store = fed_sink_store(0, got);
        double loss = step(t.network, &squares, t.batch, t.x, t.labels, 0, &correct);
        for (size_t s = 0; s < t.batch; s++) {
            norms[s] = sample_gradient(&t, s, g);
            bound += norms[s] / (double)t.batch; /* some are longer */
            double share = (double)t.batch * sqrt(squared[s]);
            if (!(fabs(share - norms[s]) <= 2e-5 * (1 + norms[s])))
                fail_msg("%s, trial %zu: the norm of sample %zu is %g, alone %g", types[i % KINDS],
                         i, s, share, norms[s]);
        }
        for (size_t s = 0; s < t.batch; s++) {
            double factor = fmin(1, bound / sample_gradient(&t, s, g)) / (double)t.batch;
            for (size_t j = 0; j < n; j++)
                mean[j] += factor * (double)g[j];
        }
        assert_true(clipped_step(&t, bound, &store) == loss);
        for (size_t j = 0; j < n; j++)
            length += mean[j] * mean[j];
        for (size_t j = 0; j < n; j++)
            if (!(fabs((double)got[j] - mean[j]) <= 2e-5 * (1 + sqrt(length))))
                fail_msg("%s, trial %zu: parameter %zu has %g, not %g", types[i % KINDS], i, j,
                         (double)got[j], mean[j]);
        free(g), free(got), free(mean);
        trial_destroy(&t);
    }
}

/* --- tensors, initial values, sizes ----------------------------------------------- */

static void the_papers_network(void **unused) {
    (void)unused;
    static const struct {
        const char *name;
        size_t shape[4], fan_in;
    } expected[] = {
        {"conv1.weight", {32, 1, 5, 5}, 25},     {"conv1.bias", {32, 1, 1, 1}, 25},
        {"conv2.weight", {64, 32, 5, 5}, 800},   {"conv2.bias", {64, 1, 1, 1}, 800},
        {"fc1.weight", {512, 3136, 1, 1}, 3136}, {"fc1.bias", {512, 1, 1, 1}, 3136},
        {"fc2.weight", {10, 512, 1, 1}, 512},    {"fc2.bias", {10, 1, 1, 1}, 512},
    };
    fed_config_t config;
    fed_model_t model;
    fed_config_init(&config, fed_rooms);
    set(&config, "model.type", "cnn");
    assert_ok(fed_model_init(&model, &config, &(fed_model_input_t){1, 28, 28, 10, 0.2}));
    assert_int_equal(model.parameters, 1663370);
    assert_int_equal(model.tensor_count, sizeof expected / sizeof *expected);
    for (size_t t = 0; t < model.tensor_count; t++) {
        assert_string_equal(model.tensors[t].name, expected[t].name);
        assert_memory_equal(model.tensors[t].shape, expected[t].shape, sizeof expected[t].shape);
        assert_int_equal(model.tensors[t].fan_in, expected[t].fan_in);
    }
    fed_model_fini(&model);
    fed_config_fini(&config);
}

/* Each stored number is in one place of one tensor, and goes back there. */
static void tensors_go_out_and_in(void **unused) {
    (void)unused;
    for (size_t i = 0; i < (size_t)4 * KINDS; i++) {
        trial_t t = any_trial(i, 0);
        const fed_model_t *model = &t.network->model;
        bool *seen = calloc(model->parameters, sizeof *seen);
        for (size_t j = 0; j < model->parameters; j++)
            t.network->w[j] = (float)j;
        for (size_t k = 0; k < model->tensor_count; k++) {
            const fed_tensor_t *tensor = &model->tensors[k];
            float *values = calloc(tensor->count, sizeof *values);
            fed_tensor_export(tensor, t.network->w, values);
            for (size_t j = 0; j < tensor->count; j++) {
                assert_false(seen[(size_t)values[j]]);
                seen[(size_t)values[j]] = true;
            }
            fed_tensor_import(tensor, values, t.network->v);
            free(values);
        }
        assert_memory_equal(t.network->v, t.network->w, model->parameters * sizeof(float));
        free(seen);
        trial_destroy(&t);
    }
}

static void initial_values_are_pytorchs_default(void **unused) {
    (void)unused;
    network_t *network =
        network_create((shape_t){.type = "cifar-cnn", .filters = "", .dense = "", .groups = 32},
                       (fed_model_input_t){3, 32, 32, 10, 1});
    for (size_t t = 0; t < network->model.tensor_count; t++) {
        const fed_tensor_t *tensor = &network->model.tensors[t];
        float *values = calloc(tensor->count, sizeof *values), largest = 0;
        fed_tensor_export(tensor, network->w, values);
        for (size_t j = 0; j < tensor->count; j++)
            largest = fabsf(values[j]) > largest ? fabsf(values[j]) : largest;
        if (strncmp(tensor->name, "norm", 4) == 0) {
            float constant = strstr(tensor->name, "weight") ? 1.0f : 0.0f;
            for (size_t j = 0; j < tensor->count; j++)
                assert_true(values[j] == constant);
        } else {
            double bound = 1 / sqrt((double)tensor->fan_in);
            assert_true((double)largest <= bound);
            if (tensor->count > 500)
                assert_true((double)largest > 0.98 * bound);
        }
        free(values);
    }
    network_destroy(network);
}

static void impossible_shapes_are_refused(void **unused) {
    (void)unused;
    fed_config_t config;
    fed_model_t model;
    configure(&config, &(shape_t){.type = "cnn", .filters = "2,2,2", .dense = "3"});
    assert_fails(FED_INPUT, "at least 8 x 8, the data set's are 7 x 9",
                 fed_model_init(&model, &config, &(fed_model_input_t){1, 7, 9, 2, 1}));
    fed_model_fini(&model);
    assert_fails(FED_INPUT, "model.type = cnn",
                 fed_model_init(&model, &config, &(fed_model_input_t){1, 1, 784, 2, 1}));
    fed_model_fini(&model);
    fed_config_fini(&config);
    configure(&config,
              &(shape_t){.type = "cifar-cnn", .filters = "4,6", .dense = "3", .groups = 4});
    assert_fails(FED_INPUT, "model.norm_groups = 4: does not divide the 6 channels",
                 fed_model_init(&model, &config, &(fed_model_input_t){1, 8, 8, 2, 1}));
    fed_model_fini(&model);
    fed_config_fini(&config);
}

static void no_groups_no_normalisation(void **unused) {
    (void)unused;
    network_t *plain =
        network_create((shape_t){.type = "cifar-cnn", .filters = "2,3", .dense = "4"},
                       (fed_model_input_t){3, 8, 8, 4, 1});
    network_t *same =
        network_create((shape_t){.type = "cnn", .filters = "2,3", .dense = "4", .groups = 1},
                       (fed_model_input_t){3, 8, 8, 4, 1});
    assert_int_equal(plain->model.parameters, same->model.parameters);
    assert_int_equal(plain->model.layer_count, same->model.layer_count);
    assert_memory_equal(plain->w, same->w, plain->model.parameters * sizeof(float));
    network_destroy(plain);
    network_destroy(same);
}

/* The estimate is what a workspace takes, as far as malloc can tell. */
static void workspaces_take_what_is_estimated(void **unused) {
    (void)unused;
    for (size_t i = 0; i < (size_t)4 * KINDS; i++) {
        trial_t t = any_trial(i, 0.5);
        size_t batch = 200 + any_below(800);
        size_t estimate = fed_workspace_bytes(&t.network->model, batch);
        struct mallinfo2 before = mallinfo2();
        fed_workspace_t *workspace = fed_workspace_create(&t.network->model, batch);
        struct mallinfo2 after = mallinfo2();
        size_t taken = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
        fed_workspace_destroy(workspace);
        trial_destroy(&t);
        if (taken == 0)
            skip();                                     /* under a sanitizer or valgrind */
        double slack = 0.03 * (double)estimate + 40000; /* headers, whole pages */
        if (fabs((double)taken - (double)estimate) > slack)
            fail_msg("%s: %zu bytes, estimated %zu",
                     fed_model_options(&t.network->config)->type->name, taken, estimate);
    }
}

/* --- dropout in a model ----------------------------------------------------------- */

/* So wide that no two steps drop the same units. */
static trial_t wide_trial(size_t kind, double dropout) {
    return trial_of((shape_t){types[kind], "5,2", "33", 1, dropout, 2, false});
}

static float *train_steps(size_t kind, uint64_t state, double dropout, size_t position) {
    const fed_sgd_t sgd = {.learning_rate = 0.1f, .momentum = 0.9f};
    test_state = state;
    trial_t t = wide_trial(kind, dropout);
    int64_t correct = 0;
    float *w = calloc(t.network->model.parameters, sizeof *w);
    const fed_sink_t sink = fed_sink_sgd(&sgd, t.network->w, t.network->v);
    for (size_t s = 0; s < 3; s++)
        step(t.network, &sink, t.batch, t.x, t.labels, position + s * t.batch, &correct);
    memcpy(w, t.network->w, t.network->model.parameters * sizeof *w);
    trial_destroy(&t);
    return w;
}

static void dropout_depends_on_the_step_alone(void **unused) {
    (void)unused;
    for (size_t kind = 0; kind < 3; kind++) { /* logistic regression has no hidden units */
        uint64_t state = any_bits();
        test_state = state;
        trial_t t = wide_trial(kind, 0.5);
        size_t bytes = t.network->model.parameters * sizeof(float);
        trial_destroy(&t);
        float *w = train_steps(kind, state, 0.5, 0), *again = train_steps(kind, state, 0.5, 0);
        float *elsewhere = train_steps(kind, state, 0.5, 1000);
        float *without = train_steps(kind, state, 0, 0);
        assert_memory_equal(w, again, bytes);
        assert_memory_not_equal(w, elsewhere, bytes);
        assert_memory_not_equal(w, without, bytes);
        free(w), free(again), free(elsewhere), free(without);
    }
}

static void evaluation_drops_nothing(void **unused) {
    (void)unused;
    for (size_t kind = 0; kind < KINDS; kind++) {
        uint64_t state = any_bits();
        test_state = state;
        trial_t with = any_trial(kind, 0.5);
        test_state = state;
        trial_t without = any_trial(kind, 0);
        size_t n = with.batch * with.network->model.classes;
        const float *a = fed_model_infer(&with.network->model, with.network->workspace, with.batch,
                                         with.x, with.network->w);
        const float *b = fed_model_infer(&without.network->model, without.network->workspace,
                                         without.batch, without.x, without.network->w);
        assert_memory_equal(a, b, n * sizeof *a);
        trial_destroy(&with);
        trial_destroy(&without);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(networks_train_as_pytorchs),
        TEST(gradients_are_differences),
        TEST(samples_are_clipped_alone),
        TEST(the_papers_network),
        TEST(tensors_go_out_and_in),
        TEST(initial_values_are_pytorchs_default),
        TEST(impossible_shapes_are_refused),
        TEST(no_groups_no_normalisation),
        TEST(workspaces_take_what_is_estimated),
        TEST(dropout_depends_on_the_step_alone),
        TEST(evaluation_drops_nothing),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
