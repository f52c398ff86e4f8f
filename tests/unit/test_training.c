/* Local training and the centralized baseline: one computation, to be left and taken up. */
#include "nn/initializations/initializations.h"
#include "support.h"

#include "fedmpi/core/stop.h"
#include "fedmpi/fl/centralized.h"
#include "fedmpi/fl/client.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/run/rooms.h"

#include <math.h>

enum { SAMPLES = 130, HELD_OUT = 30, FEATURES = 10, CLASSES = 3 };

/* A data set whose first features are mostly zero, a model, and where it starts. */
typedef struct scene {
    float values[SAMPLES + HELD_OUT][FEATURES], scale, shift, *w;
    int32_t labels[SAMPLES + HELD_OUT];
    uint32_t all[SAMPLES];
    fed_dataset_t data;
    fed_config_t config;
    fed_model_t model;
} scene_t;

static void begin(scene_t *scene, double density) {
    *scene = (scene_t){.scale = 1};
    for (size_t i = 0; i < SAMPLES + HELD_OUT; i++) {
        scene->labels[i] = (int32_t)any_below(CLASSES);
        for (size_t f = 0; f < FEATURES; f++)
            if (f > 6 || any_below(3) == 0)
                scene->values[i][f] =
                    (float)(any_number() + (f % CLASSES == (size_t)scene->labels[i]));
    }
    for (uint32_t i = 0; i < SAMPLES; i++)
        scene->all[i] = i;
    fed_samples_t samples = {.count = SAMPLES,
                             .features = FEATURES,
                             .channels = 1,
                             .type = FED_VALUES_FLOAT32,
                             .values = scene->values,
                             .labels = scene->labels,
                             .scale = &scene->scale,
                             .shift = &scene->shift};
    scene->data = (fed_dataset_t){.train = samples, .validation = samples, .test = samples};
    scene->data.validation.count = 7;
    scene->data.test.count = HELD_OUT;
    scene->data.test.values = scene->values[SAMPLES];
    scene->data.test.labels = scene->labels + SAMPLES;
    fed_config_init(&scene->config, fed_rooms);
    set(&scene->config, "model.hidden", "8,5");
    set(&scene->config, "training.epochs", "3");
    set(&scene->config, "training.batch_size", "16");
    set(&scene->config, "training.learning_rate", "0.1");
    set(&scene->config, "training.weight_decay", "0.01");
    fed_model_input_t input = {1, 1, FEATURES, CLASSES, density};
    assert_ok(fed_model_init(&scene->model, &scene->config, &input));
    scene->w = FED_NEW_ARRAY(float, scene->model.parameters);
    fed_initialization_draw(&fed_initialization_pytorch, &scene->model, 1, scene->w);
}

static void end(scene_t *scene) {
    fed_free(scene->w);
    fed_model_fini(&scene->model);
    fed_config_fini(&scene->config);
}

/* A trainer with all that it borrows. */
typedef struct workshop {
    fed_method_t method;
    fed_training_t training;
    fed_states_t states;
    fed_trainer_t trainer;
    int64_t *sums;
} workshop_t;

static void open_workshop(workshop_t *workshop, const scene_t *scene) {
    assert_ok(fed_method_find(&workshop->method, &scene->config));
    fed_method_settle(&workshop->method, &scene->config, scene->model.parameters);
    fed_training_init(&workshop->training, &scene->model, &scene->data.train, &scene->config);
    fed_states_init(&workshop->states, 2, 0); /* federated averaging keeps nothing */
    workshop->sums = FED_NEW_ARRAY(int64_t, scene->model.parameters);
    workshop->trainer = (fed_trainer_t){.config = &scene->config,
                                        .method = &workshop->method,
                                        .training = &workshop->training,
                                        .states = &workshop->states,
                                        .down = scene->w,
                                        .sums = workshop->sums};
}

static void close_workshop(workshop_t *workshop) {
    fed_training_fini(&workshop->training);
    fed_states_fini(&workshop->states);
    fed_method_fini(&workshop->method);
    fed_free(workshop->sums);
}

/* Client 0 holds everything. */
static fed_client_task_t whole_task(const scene_t *scene) {
    return (fed_client_task_t){
        .seed = 1, .round = 1, .samples = scene->all, .count = SAMPLES, .weight = 1};
}

static void begin_centralized(fed_centralized_t *centralized, const scene_t *scene) {
    fed_centralized_init(centralized, &scene->config, &scene->data, &scene->model, scene->all,
                         SAMPLES, scene->w);
}

static void assert_same_measure(fed_measure_t a, fed_measure_t b) {
    assert_memory_equal(&a, &b, sizeof a);
}

static const double densities[] = {0.1, 0.9}; /* the layer that skips zeros, the dense one */

static void one_client_with_everything_is_the_baseline(void **state) {
    (void)state;
    for (size_t d = 0; d < 2; d++) {
        scene_t scene;
        workshop_t workshop;
        fed_centralized_t centralized;
        begin(&scene, densities[d]);
        open_workshop(&workshop, &scene);
        begin_centralized(&centralized, &scene);
        while (fed_centralized_advance(&centralized))
            continue;
        fed_evaluator_t evaluator;
        fed_evaluator_init(&evaluator, &scene.model);
        fed_local_epoch_row_t rows[3];
        fed_client_row_t row;
        fed_tracking_t tracking = {&evaluator, &scene.data.test, rows};
        fed_client_task_t task = whole_task(&scene);
        assert_ok(fed_client_train(&workshop.trainer, &task, &tracking, &row));

        size_t n = scene.model.parameters;
        assert_memory_equal(workshop.training.w, centralized.training.w, n * sizeof(float));
        assert_int_equal(row.steps, 3 * 9); /* 130 = 8 * 16 + 2 */
        assert_int_equal(row.samples, SAMPLES);
        for (size_t e = 0; e < 3; e++) {
            assert_int_equal(rows[e].epoch, e + 1);
            assert_int_equal(centralized.rows[e].epoch, e + 1);
            assert_same_measure(rows[e].train, centralized.rows[e].train);
            assert_same_measure(rows[e].test, centralized.rows[e].test);
        }
        assert_same_measure(row.train, centralized.rows[2].train);
        assert_true(centralized.rows[2].train.loss < centralized.rows[0].train.loss);
        double squares = 0;
        for (size_t i = 0; i < n; i++) { /* the update, rounded once */
            double update = (double)centralized.training.w[i] - (double)scene.w[i];
            assert_true(fabs((double)workshop.sums[i] * 0x1p-40 - update) <= 0x1p-40);
            squares += update * update;
        }
        assert_true(fabs(row.update_norm - sqrt(squares)) < 1e-6);
        fed_evaluator_fini(&evaluator);
        fed_centralized_fini(&centralized);
        close_workshop(&workshop);
        end(&scene);
    }
}

/* Leave the baseline after `pieces`, go on in another as a checkpoint does. */
static void resume_after(const scene_t *scene, size_t pieces, fed_centralized_t *resumed) {
    fed_centralized_t first;
    begin_centralized(&first, scene);
    for (size_t i = 0; i < pieces; i++)
        fed_centralized_advance(&first);
    fed_training_settle(&first.training);
    size_t n = scene->model.parameters;
    begin_centralized(resumed, scene);
    memcpy(resumed->training.w, first.training.w, n * sizeof(float));
    memcpy(resumed->training.v, first.training.v,
           first.training.optimizer->vectors * n * sizeof(float));
    memcpy(resumed->rows, first.rows, (size_t)(first.epoch - 1) * sizeof *first.rows);
    resumed->epoch = first.epoch;
    resumed->train_seconds = first.train_seconds;
    fed_centralized_resume(resumed, first.training.position, first.training.loss_sum,
                           first.training.correct);
    fed_centralized_fini(&first);
}

static void the_baseline_goes_on_after_any_piece(void **state) {
    (void)state;
    for (size_t d = 0; d < 4; d++) {
        scene_t scene;
        fed_centralized_t whole;
        size_t pieces = 0;
        begin(&scene, densities[d % 2]);
        set(&scene.config, "training.optimizer", d < 2 ? "sgd" : "adam");
        begin_centralized(&whole, &scene);
        while (fed_centralized_advance(&whole))
            pieces++;
        assert_true(pieces > 3 * (9 + 2));
        for (size_t stop = 0; stop <= pieces; stop += trials(1)) {
            fed_centralized_t resumed;
            resume_after(&scene, stop, &resumed);
            while (fed_centralized_advance(&resumed))
                continue;
            assert_memory_equal(resumed.training.w, whole.training.w,
                                scene.model.parameters * sizeof(float));
            for (size_t e = 0; e < 3; e++) {
                assert_same_measure(resumed.rows[e].train, whole.rows[e].train);
                assert_same_measure(resumed.rows[e].test, whole.rows[e].test);
                assert_same_measure(resumed.rows[e].validation, whole.rows[e].validation);
            }
            fed_centralized_fini(&resumed);
        }
        fed_centralized_fini(&whole);
        end(&scene);
    }
}

static void the_baselines_epochs_are_its_own(void **state) {
    (void)state;
    scene_t scene;
    fed_centralized_t centralized;
    begin(&scene, 0.9);
    set(&scene.config, "centralized.epochs", "2");
    begin_centralized(&centralized, &scene);
    size_t advanced = 0;
    while (fed_centralized_advance(&centralized))
        advanced++;
    assert_int_equal(centralized.epochs, 2);
    assert_int_equal(centralized.epoch, 3);
    assert_false(fed_centralized_advance(&centralized));
    fed_centralized_fini(&centralized);
    end(&scene);
}

static void an_epoch_visits_every_sample_once(void **state) {
    (void)state;
    scene_t scene;
    fed_training_t training;
    begin(&scene, 0.9);
    fed_training_init(&training, &scene.model, &scene.data.train, &scene.config);
    static const uint32_t some[] = {3,   4,   9,   17,  40,  41,  42,  90,  100, 101, 102,
                                    103, 104, 105, 106, 107, 108, 109, 110, 120, 125};
    size_t count = sizeof some / sizeof *some, steps = 0;
    fed_stream_t stream = {.seed = 1, .who = 4, .when = 2, .which = 1};
    fed_training_begin_epoch(&training, some, count, stream);
    bool seen[SAMPLES] = {false};
    for (size_t i = 0; i < count; i++) {
        assert_false(seen[training.order[i]]);
        seen[training.order[i]] = true;
    }
    for (size_t i = 0; i < count; i++)
        assert_true(seen[some[i]]);
    assert_memory_not_equal(training.order, some, sizeof some);
    while (fed_training_step(&training))
        steps++;
    assert_int_equal(steps, 2); /* 21 = 16 + 5 */
    assert_int_equal(training.position, count);
    assert_false(fed_training_step(&training));
    fed_training_fini(&training);
    end(&scene);
}

/* Losses and answers before each step, by evaluating the parameters as they are then. */
static void measures_are_taken_before_each_step(void **state) {
    (void)state;
    scene_t scene;
    fed_training_t training;
    begin(&scene, 0.1);
    fed_training_init(&training, &scene.model, &scene.data.train, &scene.config);
    memcpy(training.w, scene.w, scene.model.parameters * sizeof(float));
    fed_training_begin_epoch(&training, scene.all, SAMPLES, (fed_stream_t){.seed = 1, .which = 1});
    fed_workspace_t *workspace = fed_workspace_create(&scene.model, 1);
    double loss = 0;
    int64_t correct = 0;
    for (size_t position = 0; position < SAMPLES; position = training.position) {
        fed_training_settle(&training);
        for (size_t i = position; i < position + 16 && i < SAMPLES; i++) {
            uint32_t sample = training.order[i];
            const float *logits =
                fed_model_infer(&scene.model, workspace, 1, scene.values[sample], training.w);
            double sum = 0;
            int32_t best = 0;
            for (int32_t c = 0; c < CLASSES; c++) {
                sum += exp((double)logits[c]);
                best = logits[c] > logits[best] ? c : best;
            }
            loss += log(sum) - (double)logits[scene.labels[sample]];
            correct += best == scene.labels[sample];
        }
        assert_true(fed_training_step(&training));
        assert_int_equal(training.correct, correct);
        assert_true(fabs(training.loss_sum - loss) < 1e-4);
    }
    fed_measure_t measure = fed_training_measure(&training);
    assert_true(fabs(measure.loss - loss / SAMPLES) < 1e-6);
    assert_true(measure.accuracy == (double)correct / SAMPLES);
    fed_workspace_destroy(workspace);
    fed_training_fini(&training);
    end(&scene);
}

static void a_task_leaves_no_trace_in_the_next(void **state) {
    (void)state;
    scene_t scene;
    workshop_t workshop, fresh;
    begin(&scene, 0.1);
    open_workshop(&workshop, &scene);
    open_workshop(&fresh, &scene);
    fed_client_row_t row;
    fed_client_task_t other = whole_task(&scene), task = whole_task(&scene);
    other.count = 60;
    other.client = 1;
    task.samples += 50;
    task.count = 33;
    size_t bytes = scene.model.parameters * sizeof(int64_t);
    assert_ok(fed_client_train(&workshop.trainer, &other, NULL, &row));
    memset(workshop.sums, 0, bytes);
    assert_ok(fed_client_train(&workshop.trainer, &task, NULL, &row));
    assert_ok(fed_client_train(&fresh.trainer, &task, NULL, &row));
    assert_memory_equal(workshop.sums, fresh.sums, bytes);
    close_workshop(&workshop);
    close_workshop(&fresh);
    end(&scene);
}

static void divergence_names_the_client(void **state) {
    (void)state;
    scene_t scene;
    workshop_t workshop;
    begin(&scene, 0.9);
    set(&scene.config, "training.learning_rate", "1000");
    set(&scene.config, "training.weight_decay", "10");
    open_workshop(&workshop, &scene);
    fed_client_task_t task = whole_task(&scene);
    task.client = 1;
    task.round = 3;
    fed_client_row_t row;
    assert_fails(FED_DIVERGED, "round 3: client 1 diverged",
                 fed_client_train(&workshop.trainer, &task, NULL, &row));
    assert_non_null(strstr(fed_error_message(), "training.learning_rate = 1000 "));
    close_workshop(&workshop);
    end(&scene);
}

static void a_skipped_client_leaves_no_trace(void **state) {
    (void)state;
    scene_t scene;
    workshop_t workshop;
    begin(&scene, 0.9);
    set(&scene.config, "federated.on_divergence", "skip");
    open_workshop(&workshop, &scene);
    size_t n = scene.model.parameters, bytes = n * sizeof(int64_t);
    for (size_t j = 0; j < n; j++)
        workshop.sums[j] = (int64_t)(j * 31) - 7;
    FED_AUTOFREE int64_t *before = fed_alloc(bytes, 1);
    memcpy(before, workshop.sums, bytes);
    scene.w[n / 2] = NAN; /* one is enough, the others are in range */
    fed_client_task_t task = whole_task(&scene);
    fed_client_row_t row;
    assert_fails(FED_DIVERGED, "diverged", fed_client_train(&workshop.trainer, &task, NULL, &row));
    assert_memory_equal(workshop.sums, before, bytes);
    assert_int_equal(row.diverged, 1);
    assert_true(row.weight == 0 && isnan(row.update_norm));
    close_workshop(&workshop);
    end(&scene);
}

static void a_client_without_samples_changes_nothing(void **state) {
    (void)state;
    scene_t scene;
    workshop_t workshop;
    begin(&scene, 0.9);
    open_workshop(&workshop, &scene);
    fed_client_task_t task = whole_task(&scene);
    task.count = 0;
    task.weight = 0;
    fed_client_row_t row;
    assert_ok(fed_client_train(&workshop.trainer, &task, NULL, &row));
    assert_int_equal(row.steps, 0);
    assert_int_equal(row.diverged, 0);
    assert_true(row.update_norm == 0 && isnan(row.train.loss));
    for (size_t j = 0; j < scene.model.parameters; j++)
        assert_int_equal(workshop.sums[j], 0);
    close_workshop(&workshop);
    end(&scene);
}

/* The last test: a stop cannot be taken back. */
static void a_stop_ends_training(void **state) {
    (void)state;
    scene_t scene;
    workshop_t workshop;
    begin(&scene, 0.9);
    open_workshop(&workshop, &scene);
    assert_false(fed_stop_requested());
    assert_ok(fed_stop_status());
    fed_stop_request();
    fed_client_task_t task = whole_task(&scene);
    fed_client_row_t row;
    assert_fails(FED_STOPPED, "stopped on request",
                 fed_client_train(&workshop.trainer, &task, NULL, &row));
    assert_int_equal(workshop.training.position, 16);
    close_workshop(&workshop);
    end(&scene);
}

/* --- Steps that keep samples private ------------------------------------------------------ */

/* One client's training under DP-SGD, from the scene's parameters.
 * @param epochs  it trains @param samples  [out] that its steps drew in all */
static void train_privately(scene_t *scene, double noise, size_t batch_size, size_t epochs,
                            size_t *steps, size_t *samples, fed_training_t *training) {
    set(&scene->config, "training.batch_size", "%zu", batch_size);
    set(&scene->config, "training.clip_sample_norm", "0.5");
    fed_training_init(training, &scene->model, &scene->data.train, &scene->config);
    fed_training_separate_gradient(training);
    training->draws_samples = true;
    training->sample_noise = noise;
    fed_training_start(training, scene->w);
    *steps = *samples = 0;
    for (uint32_t epoch = 1; epoch <= epochs; epoch++) {
        fed_stream_t stream = {.seed = 9, .who = 4, .when = 2, .which = epoch};
        fed_training_begin_epoch(training, scene->all, SAMPLES, stream);
        while (fed_training_step(training))
            ++*steps;
        *samples += training->position;
    }
    fed_training_settle(training);
}

/* Where all samples are in the step it is the mean of clipped gradients. */
static void a_private_step_is_the_clipped_mean(void **state) {
    (void)state;
    scene_t scene;
    fed_training_t private, plain;
    size_t steps, samples;
    begin(&scene, 0.9);
    train_privately(&scene, 0, 500, 1, &steps, &samples, &private);
    assert_true(steps == 1 && samples == SAMPLES);
    fed_training_init(&plain, &scene.model, &scene.data.train, &scene.config);
    fed_training_start(&plain, scene.w);
    fed_training_begin_epoch(&plain, scene.all, SAMPLES, (fed_stream_t){.seed = 3, .which = 1});
    assert_true(fed_training_step(&plain));
    fed_training_settle(&plain);
    for (size_t j = 0; j < scene.model.parameters; j++)
        assert_true(fabsf(private.w[j] - plain.w[j]) < 1e-6f);
    fed_training_fini(&private);
    fed_training_fini(&plain);
    end(&scene);
}

/* By any number of batches: what a step draws may be more than the batch that there is room for. */
static void steps_draw_samples_on_their_own(void **state) {
    (void)state;
    scene_t scene;
    fed_training_t training;
    size_t steps, samples, none = 0, more = 0;
    enum { EPOCHS = 60, BATCH = 3 };
    begin(&scene, 0.1);
    train_privately(&scene, 0, BATCH, EPOCHS, &steps, &samples, &training);
    assert_int_equal(steps, EPOCHS * 44); /* 130 = 43 * 3 + 1 */
    double expected = EPOCHS * 44 * BATCH;
    assert_true(fabs((double)samples - expected) < 4 * sqrt(expected));
    fed_stream_t stream = {.seed = 9, .who = 4, .when = 3, .which = 1};
    fed_training_begin_epoch(&training, scene.all, SAMPLES, stream);
    for (size_t before = 0; fed_training_step(&training); before = training.position) {
        none += training.position == before;
        more += training.position > before + BATCH;
    }
    assert_true(none > 0 && more > 4); /* of 44: 2.2 and 15 are expected */
    fed_training_fini(&training);
    end(&scene);
}

/* The same steps with noise and without: what differs is noise of z C / B, times the rate. */
static void noise_of_steps_is_what_was_promised(void **state) {
    (void)state;
    scene_t scene;
    fed_training_t quiet, noisy, again;
    size_t steps, samples;
    double squares = 0;
    size_t count = 0;
    begin(&scene, 0.9);
    for (size_t round = 0; round < 20; round++) {
        scene.w[0] = (float)round / 100; /* another start */
        train_privately(&scene, 0, 200, 1, &steps, &samples, &quiet);
        train_privately(&scene, 3, 200, 1, &steps, &samples, &noisy);
        for (size_t j = 0; j < scene.model.parameters; j++, count++) {
            double noise = ((double)noisy.w[j] - (double)quiet.w[j]) / 0.1;
            squares += noise * noise;
        }
        train_privately(&scene, 3, 200, 1, &steps, &samples, &again);
        assert_memory_equal(noisy.w, again.w, scene.model.parameters * sizeof(float));
        fed_training_fini(&quiet);
        fed_training_fini(&noisy);
        fed_training_fini(&again);
    }
    double expected = 3 * 0.5 / SAMPLES;
    /* Rounds have the same noise, as they have the same stream: as many draws as parameters. */
    assert_true(fabs(squares / (double)count / (expected * expected) - 1) <
                4 * sqrt(2.0 / (double)scene.model.parameters));
    end(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(one_client_with_everything_is_the_baseline),
        TEST(the_baseline_goes_on_after_any_piece),
        TEST(the_baselines_epochs_are_its_own),
        TEST(an_epoch_visits_every_sample_once),
        TEST(measures_are_taken_before_each_step),
        TEST(a_task_leaves_no_trace_in_the_next),
        TEST(divergence_names_the_client),
        TEST(a_skipped_client_leaves_no_trace),
        TEST(a_client_without_samples_changes_nothing),
        TEST(a_stop_ends_training),
        TEST(a_private_step_is_the_clipped_mean),
        TEST(steps_draw_samples_on_their_own),
        TEST(noise_of_steps_is_what_was_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
