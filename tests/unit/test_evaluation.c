/* Evaluation: exact sums, whoever evaluates which block. */
#include "support.h"

#include "fedmpi/fl/evaluation.h"
#include "fedmpi/run/rooms.h"

#include <math.h>

enum { FEATURES = 6, CLASSES = 4, MOST = 4 * FED_EVALUATION_BLOCK + 20 };

/* Samples and a model with parameters. */
typedef struct scene {
    float values[MOST][FEATURES], scale, shift, *w;
    int32_t labels[MOST];
    fed_samples_t samples;
    fed_model_t model;
    fed_evaluator_t evaluator;
} scene_t;

static void begin(scene_t *scene, size_t count) {
    *scene = (scene_t){.scale = 1};
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    set(&config, "model.hidden", "5");
    fed_model_input_t input = {1, 1, FEATURES, CLASSES, 0.9};
    assert_ok(fed_model_init(&scene->model, &config, &input));
    fed_config_fini(&config);
    scene->w = FED_NEW_ARRAY(float, scene->model.parameters);
    for (size_t i = 0; i < scene->model.parameters; i++)
        scene->w[i] = (float)any_number();
    for (size_t i = 0; i < count; i++) {
        for (size_t f = 0; f < FEATURES; f++)
            scene->values[i][f] = (float)any_number();
        scene->labels[i] = (int32_t)any_below(CLASSES);
    }
    scene->samples = (fed_samples_t){.count = count,
                                     .features = FEATURES,
                                     .channels = 1,
                                     .type = FED_VALUES_FLOAT32,
                                     .values = scene->values,
                                     .labels = scene->labels,
                                     .scale = &scene->scale,
                                     .shift = &scene->shift};
    fed_evaluator_init(&scene->evaluator, &scene->model);
}

static void end(scene_t *scene) {
    fed_evaluator_fini(&scene->evaluator);
    fed_model_fini(&scene->model);
    fed_free(scene->w);
}

/* Every step-th block from first on. */
static void evaluate(scene_t *scene, size_t first, size_t step, fed_score_t *score,
                     int64_t *confusion) {
    for (size_t block = first; block < fed_evaluation_blocks(&scene->samples); block += step)
        fed_evaluate(&scene->evaluator, &scene->samples, scene->w, block, score, confusion);
}

static void any_split_gives_the_same_score(void **state) {
    (void)state;
    enum { BLOCK = FED_EVALUATION_BLOCK };
    static const size_t counts[] = {0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, MOST};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        scene_t scene;
        begin(&scene, counts[i]);
        assert_int_equal(fed_evaluation_blocks(&scene.samples), (counts[i] + BLOCK - 1) / BLOCK);
        fed_score_t alone = {0};
        int64_t confusion[CLASSES * CLASSES] = {0};
        evaluate(&scene, 0, 1, &alone, confusion);
        assert_int_equal(alone.samples, counts[i]);
        for (size_t ranks = 2; ranks < 9; ranks++) {
            fed_score_t together = {0};
            int64_t shared[CLASSES * CLASSES] = {0};
            for (size_t rank = ranks; rank-- > 0;)
                evaluate(&scene, rank, ranks, &together, shared);
            assert_memory_equal(&together, &alone, sizeof alone);
            assert_memory_equal(shared, confusion, sizeof confusion);
        }
        end(&scene);
    }
}

static void a_score_is_what_its_definition_says(void **state) {
    (void)state;
    scene_t scene;
    begin(&scene, 250);
    double loss = 0;
    int64_t expected[CLASSES][CLASSES] = {{0}}, correct = 0;
    fed_workspace_t *workspace = fed_workspace_create(&scene.model, 1);
    for (size_t i = 0; i < 250; i++) {
        const float *logits = fed_model_infer(&scene.model, workspace, 1, scene.values[i], scene.w);
        double sum = 0;
        size_t best = 0, label = (size_t)scene.labels[i];
        for (size_t c = 0; c < CLASSES; c++) {
            sum += exp((double)logits[c]);
            best = logits[c] > logits[best] ? c : best;
        }
        loss += log(sum) - (double)logits[label];
        expected[label][best]++;
        correct += best == label;
    }
    fed_workspace_destroy(workspace);
    fed_score_t score = {0};
    int64_t confusion[CLASSES][CLASSES] = {{0}};
    evaluate(&scene, 0, 1, &score, &confusion[0][0]);
    fed_measure_t measure = fed_score_measure(&score);
    assert_true(fabs(measure.loss - loss / 250) < 1e-6);
    assert_true(measure.accuracy == (double)correct / 250);
    assert_memory_equal(confusion, expected, sizeof expected);
    end(&scene);
}

static void nothing_measures_nan(void **state) {
    (void)state;
    fed_measure_t measure = fed_score_measure(&(fed_score_t){0});
    assert_true(isnan(measure.loss) && isnan(measure.accuracy));
}

static void losses_round_once_and_saturate(void **state) {
    (void)state;
    assert_true(fed_score_fixed_loss(0) == 0);
    assert_true(fed_score_fixed_loss(1) == 1 << 24);
    assert_true(fed_score_fixed_loss(0x1p-25) == 0); /* ties to even */
    assert_true(fed_score_fixed_loss(0x1.8p-24) == 2);
    const int64_t largest = (int64_t)1 << 52;
    assert_true(fed_score_fixed_loss(1e300) == largest);
    assert_true(fed_score_fixed_loss((double)INFINITY) == largest);
    assert_true(fed_score_fixed_loss((double)NAN) == largest);
    scene_t scene; /* a model that is no numbers any more has the largest loss, not a crash */
    begin(&scene, 1);
    for (size_t i = 0; i < scene.model.parameters; i++)
        scene.w[i] = NAN;
    fed_score_t score = {0};
    evaluate(&scene, 0, 1, &score, NULL);
    assert_true(score.loss == largest && score.correct == 0);
    end(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(any_split_gives_the_same_score),
        TEST(a_score_is_what_its_definition_says),
        TEST(nothing_measures_nan),
        TEST(losses_round_once_and_saturate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
