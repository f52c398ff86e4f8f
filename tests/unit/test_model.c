/* Models: gradients, PyTorch's trajectories, initial parameters, tensors. */
#include "golden.h"
#include "nn/initializations/initializations.h"
#include "support.h"

#include "fedmpi/math/softmax.h"
#include "fedmpi/nn/workspace.h"
#include "fedmpi/run/rooms.h"

#include <math.h>

#define TOLERANCE 1e-5

/* The three ways through a first layer: the one that skips rows of zeros, the dense one, and
 * OpenBLAS. */
typedef struct way {
    double density;
    const char *gemm;
} way_t;
static const way_t ways[] = {{0.1, "auto"}, {0.9, "own"}, {0.1, "openblas"}};
enum { WAYS = sizeof ways / sizeof *ways };

static void build(fed_model_t *model, const char *type, const char *hidden, size_t inputs,
                  size_t classes, way_t way) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    set(&config, "model.type", "%s", type);
    set(&config, "model.hidden", "%s", hidden);
    set(&config, "model.gemm", "%s", way.gemm);
    fed_model_input_t input = {1, 1, inputs, classes, way.density};
    assert_ok(fed_model_init(model, &config, &input));
    fed_config_fini(&config);
}

/* --- Golden data ------------------------------------------------------------------------ */

/* A model of tests/golden/mlp.h5 and its data. */
typedef struct golden {
    hid_t file;
    const char *name;
    fed_model_t model;
    size_t samples, batch_size, steps;
    float *x;
    int32_t *labels, *indices;
} golden_t;

static void golden_begin(golden_t *golden, hid_t file, const char *name, way_t way) {
    *golden = (golden_t){.file = file, .name = name, .steps = 10};
    GOLDEN_PATH(group, "/%s", name);
    GOLDEN_PATH(x, "/%s/x", name);
    GOLDEN_PATH(labels, "/%s/labels", name);
    GOLDEN_PATH(indices, "/%s/batch_indices", name);
    size_t values;
    golden->x = golden_floats(file, x, &values);
    golden->labels = golden_integers(file, labels, &golden->samples);
    golden->indices = golden_integers(file, indices, NULL);
    golden->batch_size = (size_t)golden_number(file, group, "batch_size");
    bool image = strcmp(name, "image") == 0;
    for (size_t i = 0; image && i < values; i++)
        golden->x[i] /= 255;
    const char *hidden = image                           ? "20,10"
                         : strcmp(name, "mlp") == 0      ? "7,5"
                         : strcmp(name, "logistic") == 0 ? ""
                                                         : "3";
    build(&golden->model, "mlp", hidden, values / golden->samples,
          (size_t)golden_number(file, group, "classes"), way);
}

static void golden_end(golden_t *golden) {
    fed_model_fini(&golden->model);
    free(golden->x);
    free(golden->labels);
    free(golden->indices);
}

static void golden_initial(const golden_t *golden, float *w) {
    for (size_t t = 0; t < golden->model.tensor_count; t++) {
        GOLDEN_PATH(path, "/%s/initial/%s", golden->name, golden->model.tensors[t].name);
        size_t count;
        float *values = golden_floats(golden->file, path, &count);
        assert_int_equal(count, golden->model.tensors[t].count);
        fed_tensor_import(&golden->model.tensors[t], values, w);
        free(values);
    }
}

/* The step's batch; returns its size. */
static size_t golden_batch(const golden_t *golden, size_t step, float *x, int32_t *labels) {
    size_t batch = 0, inputs = golden->model.inputs;
    for (; batch < golden->batch_size; batch++) {
        int32_t sample = golden->indices[step * golden->batch_size + batch];
        if (sample < 0)
            break;
        memcpy(x + batch * inputs, golden->x + (size_t)sample * inputs, inputs * sizeof *x);
        labels[batch] = golden->labels[sample];
    }
    return batch;
}

/* Each tensor of w against row `row` of the tensors below `group`. */
static void assert_tensors(const golden_t *golden, const char *group, size_t row, const float *w) {
    for (size_t t = 0; t < golden->model.tensor_count; t++) {
        const fed_tensor_t *tensor = &golden->model.tensors[t];
        GOLDEN_PATH(path, "%s/%s", group, tensor->name);
        float *expected = golden_floats(golden->file, path, NULL);
        FED_AUTOFREE float *values = FED_NEW_ARRAY(float, tensor->count);
        fed_tensor_export(tensor, w, values);
        for (size_t i = 0; i < tensor->count; i++)
            if (!(fabs((double)values[i] - (double)expected[row * tensor->count + i]) <= TOLERANCE))
                fail_msg("%s, row %zu, entry %zu: %.9g, PyTorch has %.9g", path, row, i,
                         (double)values[i], (double)expected[row * tensor->count + i]);
        free(expected);
    }
}

/* The loss and right answers of all samples. */
static void assert_whole_data(const golden_t *golden, const char *optimizer, size_t step,
                              const float *w) {
    const fed_model_t *model = &golden->model;
    fed_workspace_t *workspace = fed_workspace_create(model, golden->samples);
    const float *logits = fed_model_infer(model, workspace, golden->samples, golden->x, w);
    double loss = 0;
    int64_t correct = 0;
    fed_softmax_cross_entropy(golden->samples, model->classes, logits, golden->labels, NULL, &loss,
                              &correct);
    fed_workspace_destroy(workspace);
    GOLDEN_PATH(losses_path, "/%s/%s/data_loss", golden->name, optimizer);
    GOLDEN_PATH(corrects_path, "/%s/%s/data_correct", golden->name, optimizer);
    double *losses = golden_doubles(golden->file, losses_path, NULL);
    int32_t *corrects = golden_integers(golden->file, corrects_path, NULL);
    assert_true(fabs(loss / (double)golden->samples - losses[step]) <= TOLERANCE);
    assert_int_equal(correct, corrects[step]);
    free(losses);
    free(corrects);
}

static void replay(const golden_t *golden, const char *optimizer) {
    GOLDEN_PATH(group, "/%s/%s", golden->name, optimizer);
    GOLDEN_PATH(after, "/%s/%s/after", golden->name, optimizer);
    GOLDEN_PATH(saved_path, "/%s/%s/saved_steps", golden->name, optimizer);
    GOLDEN_PATH(losses_path, "/%s/%s/batch_loss", golden->name, optimizer);
    GOLDEN_PATH(corrects_path, "/%s/%s/batch_correct", golden->name, optimizer);
    const fed_model_t *model = &golden->model;
    fed_sgd_t sgd = {
        .learning_rate = (float)golden_number(golden->file, group, "learning_rate"),
        .momentum = (float)golden_number(golden->file, group, "momentum"),
        .weight_decay = (float)golden_number(golden->file, group, "weight_decay"),
        .nesterov = golden_number(golden->file, group, "nesterov") != 0,
    };
    size_t saved_count, saved = 0;
    int32_t *saved_steps = golden_integers(golden->file, saved_path, &saved_count);
    double *losses = golden_doubles(golden->file, losses_path, NULL);
    int32_t *corrects = golden_integers(golden->file, corrects_path, NULL);
    FED_AUTOFREE float *w = FED_NEW_ARRAY(float, model->parameters);
    FED_AUTOFREE float *v = FED_NEW_ARRAY(float, model->parameters);
    FED_AUTOFREE float *x = FED_NEW_ARRAY(float, golden->batch_size * model->inputs);
    FED_AUTOFREE int32_t *labels = FED_NEW_ARRAY(int32_t, golden->batch_size);
    fed_workspace_t *workspace = fed_workspace_create(model, golden->batch_size);
    fed_sink_t sink = fed_sink_sgd(&sgd, w, v);
    golden_initial(golden, w);
    for (size_t step = 0; step < golden->steps; step++) {
        size_t batch = golden_batch(golden, step, x, labels);
        double loss = 0;
        int64_t correct = 0;
        fed_model_step(model, workspace, &sink, batch, x, labels, w, &loss, &correct);
        assert_true(fabs(loss / (double)batch - losses[step]) <= TOLERANCE);
        assert_int_equal(correct, corrects[step]);
        if (saved == saved_count || saved_steps[saved] != (int32_t)step + 1)
            continue;
        fed_model_settle(model, workspace);
        assert_tensors(golden, after, saved++, w);
        assert_whole_data(golden, optimizer, step, w);
    }
    assert_int_equal(saved, saved_count);
    fed_workspace_destroy(workspace);
    free(saved_steps);
    free(losses);
    free(corrects);
}

static const char *const golden_models[] = {"mlp", "logistic", "batch_of_one", "image"};

static void ten_steps_agree_with_pytorch(void **state) {
    (void)state;
    static const char *const optimizers[] = {"plain", "momentum", "weight_decay", "nesterov"};
    hid_t file = golden_open("tests/golden/mlp.h5");
    size_t replayed = 0;
    for (size_t m = 0; m < 4; m++)
        for (size_t way = 0; way < WAYS; way++) {
            golden_t golden;
            golden_begin(&golden, file, golden_models[m], ways[way]);
            for (size_t o = 0; o < 4; o++) {
                GOLDEN_PATH(path, "/%s/%s", golden_models[m], optimizers[o]);
                if (!golden_has(file, path))
                    continue;
                replay(&golden, optimizers[o]);
                replayed++;
            }
            golden_end(&golden);
        }
    assert_int_equal(replayed, WAYS * (3 * 4 + 2));
    H5Fclose(file);
}

static void first_gradient_agrees_with_pytorch(void **state) {
    (void)state;
    hid_t file = golden_open("tests/golden/mlp.h5");
    for (size_t m = 0; m < 4; m++)
        for (size_t way = 0; way < WAYS; way++) {
            golden_t golden;
            golden_begin(&golden, file, golden_models[m], ways[way]);
            const fed_model_t *model = &golden.model;
            FED_AUTOFREE float *w = FED_NEW_ARRAY(float, model->parameters);
            FED_AUTOFREE float *g = FED_NEW_ARRAY(float, model->parameters);
            FED_AUTOFREE float *x = FED_NEW_ARRAY(float, golden.batch_size * model->inputs);
            FED_AUTOFREE int32_t *labels = FED_NEW_ARRAY(int32_t, golden.batch_size);
            golden_initial(&golden, w);
            size_t batch = golden_batch(&golden, 0, x, labels);
            fed_workspace_t *workspace = fed_workspace_create(model, batch);
            GOLDEN_PATH(logits_path, "/%s/first/logits", golden.name);
            float *expected = golden_floats(file, logits_path, NULL);
            const float *logits = fed_model_infer(model, workspace, batch, x, w);
            for (size_t i = 0; i < batch * model->classes; i++)
                assert_true(fabs((double)logits[i] - (double)expected[i]) <= TOLERANCE);
            double loss = 0;
            int64_t correct = 0;
            fed_sink_t sink = fed_sink_store(0, g);
            fed_model_step(model, workspace, &sink, batch, x, labels, w, &loss, &correct);
            fed_model_settle(model, workspace);
            GOLDEN_PATH(gradient, "/%s/first/gradient", golden.name);
            assert_tensors(&golden, gradient, 0, g);
            fed_workspace_destroy(workspace);
            free(expected);
            golden_end(&golden);
        }
    H5Fclose(file);
}

/* --- Finite differences ------------------------------------------------------------------ */

/* The mean loss of a perceptron in double, from its definition. Widths: inputs first. */
static double plain_loss(const fed_model_t *model, size_t batch, const float *x,
                         const int32_t *labels, const double *w) {
    double loss = 0;
    for (size_t b = 0; b < batch; b++) {
        double in[64] = {0}, out[64] = {0};
        for (size_t i = 0; i < model->inputs; i++)
            in[i] = (double)x[b * model->inputs + i];
        for (size_t l = 0; l < model->layer_count; l++) {
            const fed_layer_t *layer = &model->layers[l];
            for (size_t o = 0; o < layer->outputs; o++) {
                out[o] = w[layer->bias + o];
                for (size_t i = 0; i < layer->inputs; i++)
                    out[o] += in[i] * w[layer->weight + i * layer->outputs + o];
                if (l + 1 < model->layer_count && out[o] < 0)
                    out[o] = 0;
            }
            memcpy(in, out, sizeof in);
        }
        double sum = 0;
        for (size_t c = 0; c < model->classes; c++)
            sum += exp(in[c]);
        loss += log(sum) - in[labels[b]];
    }
    return loss / (double)batch;
}

static void gradients_agree_with_differences(void **state) {
    (void)state;
    static const char *const hidden[] = {"", "1", "9", "6,5", "7,3,4,5"};
    for (size_t trial = 0; trial < trials(40); trial++) {
        size_t inputs = 1 + any_below(12), classes = 2 + any_below(5), batch = 1 + any_below(9);
        fed_model_t model;
        build(&model, "mlp", hidden[trial % 5], inputs, classes, ways[trial / 5 % WAYS]);
        FED_AUTOFREE float *w = FED_NEW_ARRAY(float, model.parameters);
        FED_AUTOFREE float *g = FED_NEW_ARRAY(float, model.parameters);
        FED_AUTOFREE double *exact = FED_NEW_ARRAY(double, model.parameters);
        FED_AUTOFREE float *x = FED_NEW_ARRAY(float, batch *inputs);
        FED_AUTOFREE int32_t *labels = FED_NEW_ARRAY(int32_t, batch);
        for (size_t i = 0; i < model.parameters; i++)
            exact[i] = (double)(w[i] = (float)any_number());
        for (size_t i = 0; i < batch * inputs; i++)
            x[i] = any_below(3) ? 0 : (float)any_number();
        for (size_t b = 0; b < batch; b++)
            labels[b] = (int32_t)any_below(classes);
        fed_workspace_t *workspace = fed_workspace_create(&model, batch);
        double loss = 0;
        int64_t correct = 0;
        fed_sink_t sink = fed_sink_store(0, g);
        fed_model_step(&model, workspace, &sink, batch, x, labels, w, &loss, &correct);
        fed_model_settle(&model, workspace);
        assert_true(fabs(loss / (double)batch - plain_loss(&model, batch, x, labels, exact)) <
                    1e-5);
        for (size_t i = 0; i < model.parameters; i++) {
            const double at = exact[i], step = 1e-6;
            exact[i] = at + step;
            double above = plain_loss(&model, batch, x, labels, exact);
            exact[i] = at - step;
            double below = plain_loss(&model, batch, x, labels, exact);
            exact[i] = at;
            double difference = (above - below) / (2 * step);
            if (!(fabs((double)g[i] - difference) <= 1e-5))
                fail_msg("trial %zu: derivative %zu is %.9g, differences give %.9g", trial, i,
                         (double)g[i], difference);
            assert_true((double)w[i] == at);
        }
        fed_workspace_destroy(workspace);
        fed_model_fini(&model);
    }
}

/* --- Parameters and tensors --------------------------------------------------------------- */

static void initial_parameters_are_pytorchs(void **state) {
    (void)state;
    fed_model_t model;
    build(&model, "mlp", "200,100", 784, 10, ways[0]);
    FED_AUTOFREE float *w = FED_NEW_ARRAY(float, model.parameters);
    FED_AUTOFREE float *other = FED_NEW_ARRAY(float, model.parameters);
    fed_initialization_draw(&fed_initialization_pytorch, &model, 1, w);
    for (size_t t = 0; t < model.tensor_count; t++) {
        const fed_tensor_t *tensor = &model.tensors[t];
        double bound = 1 / sqrt((double)tensor->fan_in), low = 1, high = -1, sum = 0, squares = 0;
        for (size_t i = 0; i < tensor->count; i++) {
            double value = (double)w[tensor->offset + i];
            low = value < low ? value : low;
            high = value > high ? value : high;
            sum += value;
            squares += value * value;
        }
        double n = (double)tensor->count;
        assert_true(low >= -bound * (1 + 1e-7) && high <= bound * (1 + 1e-7));
        if (tensor->count < 100)
            continue;
        assert_true(high - low > 2 * bound * (1 - 10 / n));
        assert_true(fabs(sum / n) < 4 * bound / sqrt(3 * n));
        assert_true(fabs(squares / n - bound * bound / 3) < 4 * bound * bound / sqrt(11 * n));
    }
    fed_initialization_draw(&fed_initialization_pytorch, &model, 1, other);
    assert_memory_equal(w, other, model.parameters * sizeof *w);
    fed_initialization_draw(&fed_initialization_pytorch, &model, 2, other);
    assert_memory_not_equal(w, other, model.parameters * sizeof *w);
    fed_model_fini(&model);
}

/* Weights have mean 0 and variance 2 / fan_in, each within 4.5 of its standard deviations. */
static void kaimings_weights_keep_the_variance_behind_a_relu(void **state) {
    (void)state;
    fed_model_t model;
    build(&model, "mlp", "200,100", 784, 10, ways[0]);
    FED_AUTOFREE float *w = FED_NEW_ARRAY(float, model.parameters);
    fed_initialization_draw(&fed_initialization_kaiming, &model, 1, w);
    for (size_t t = 0; t < model.tensor_count; t++) {
        const fed_tensor_t *tensor = &model.tensors[t];
        double n = (double)tensor->count, variance = 2 / (double)tensor->fan_in, sum = 0,
               squares = 0;
        for (size_t i = 0; i < tensor->count; i++) {
            double value = (double)w[tensor->offset + i];
            sum += value;
            squares += value * value;
        }
        if (tensor->dimensions == 1)
            assert_true(squares == 0);
        else {
            assert_true(fabs(sum / n) < 4.5 * sqrt(variance / n));
            assert_true(fabs(squares / n - variance) < 4.5 * variance * sqrt(2 / n));
        }
    }
    fed_model_fini(&model);
}

static void tensors_have_pytorchs_names_and_layout(void **state) {
    (void)state;
    static const char *const names[] = {"fc1.weight", "fc1.bias",   "fc2.weight",
                                        "fc2.bias",   "fc3.weight", "fc3.bias"};
    fed_model_t model;
    build(&model, "mlp", "4,3", 5, 2, ways[0]);
    assert_int_equal(model.tensor_count, 6);
    assert_int_equal(model.parameters, 5 * 4 + 4 + 4 * 3 + 3 + 3 * 2 + 2);
    float w[64], again[64] = {0};
    for (size_t i = 0; i < model.parameters; i++)
        w[i] = (float)i;
    for (size_t t = 0; t < 6; t++) {
        const fed_tensor_t *tensor = &model.tensors[t];
        float values[32];
        assert_string_equal(tensor->name, names[t]);
        fed_tensor_export(tensor, w, values);
        fed_tensor_import(tensor, values, again);
        for (size_t out = 0; out < tensor->shape[0]; out++)
            for (size_t in = 0; tensor->dimensions == 2 && in < tensor->shape[1]; in++)
                assert_true(values[out * tensor->shape[1] + in] ==
                            w[tensor->offset + in * tensor->shape[0] + out]);
    }
    assert_memory_equal(w, again, model.parameters * sizeof *w);
    assert_int_equal(model.tensors[0].shape[0], 4); /* [out, in] */
    assert_int_equal(model.tensors[0].shape[1], 5);
    fed_model_fini(&model);
}

static void logistic_is_the_perceptron_without_layers(void **state) {
    (void)state;
    fed_model_t logistic, mlp;
    build(&logistic, "logistic", "9,9", 7, 4, ways[1]);
    build(&mlp, "mlp", "", 7, 4, ways[1]);
    assert_int_equal(logistic.parameters, 7 * 4 + 4);
    assert_int_equal(logistic.parameters, mlp.parameters);
    float a[32], b[32];
    fed_initialization_draw(&fed_initialization_pytorch, &logistic, 3, a);
    fed_initialization_draw(&fed_initialization_pytorch, &mlp, 3, b);
    assert_memory_equal(a, b, sizeof a);
    fed_model_fini(&logistic);
    fed_model_fini(&mlp);
}

static void unknown_models_are_refused(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    assert_fails(FED_INPUT, "--set: model.type = mpl: accepted is mlp | logistic",
                 fed_config_override(&config, "model.type=mpl"));
    fed_config_fini(&config);
}

/* One sample's logits do not depend on the batch around it: the root of exact evaluation. */
static void inference_does_not_depend_on_the_batch(void **state) {
    (void)state;
    for (size_t d = 0; d < 2; d++) {
        fed_model_t model;
        build(&model, "mlp", "17,9", 30, 5, ways[d]);
        FED_AUTOFREE float *w = FED_NEW_ARRAY(float, model.parameters);
        fed_initialization_draw(&fed_initialization_pytorch, &model, 1, w);
        float x[33 * 30], together[33 * 5];
        for (size_t i = 0; i < sizeof x / sizeof *x; i++)
            x[i] = any_below(4) ? 0 : (float)any_number();
        fed_workspace_t *workspace = fed_workspace_create(&model, 33);
        memcpy(together, fed_model_infer(&model, workspace, 33, x, w), sizeof together);
        for (size_t i = 0; i < 33; i++) {
            const float *alone = fed_model_infer(&model, workspace, 1, x + i * 30, w);
            assert_memory_equal(alone, together + i * 5, 5 * sizeof *alone);
        }
        fed_workspace_destroy(workspace);
        fed_model_fini(&model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(ten_steps_agree_with_pytorch),
        TEST(first_gradient_agrees_with_pytorch),
        TEST(gradients_agree_with_differences),
        TEST(initial_parameters_are_pytorchs),
        TEST(kaimings_weights_keep_the_variance_behind_a_relu),
        TEST(tensors_have_pytorchs_names_and_layout),
        TEST(logistic_is_the_perceptron_without_layers),
        TEST(unknown_models_are_refused),
        TEST(inference_does_not_depend_on_the_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
