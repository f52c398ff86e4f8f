/* Optimizers against PyTorch's steps, in one piece and in parts. */
#include "golden.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/fl/optimizer.h"
#include "fedmpi/run/rooms.h"

#include <math.h>
#include <string.h>

enum { STEPS = 12, N = 37 };

static const char *const cases[] = {"adam", "adam_decay", "adam_betas", "adamw", "adamw_decay"};

static hid_t golden;

static int open_golden(void **state) {
    (void)state;
    golden = golden_open("tests/golden/optimizers.h5");
    return 0;
}

static int close_golden(void **state) {
    (void)state;
    return H5Fclose(golden) < 0;
}

static void set(fed_config_t *config, const char *name, const char *text) {
    if (fed_config_set(config, "training", name, text, "test") != FED_OK)
        fail_msg("%s", fed_error_message());
}

static void set_number(fed_config_t *config, const char *name, double value) {
    char text[64];
    snprintf(text, sizeof text, "%.17g", value);
    set(config, name, text);
}

/* The case's configuration. @return its weight decay */
static float configure(fed_config_t *config, const char *group) {
    char *name = golden_text(golden, group, "optimizer");
    fed_config_init(config, fed_rooms);
    set(config, "optimizer", name);
    set_number(config, "adam_beta1", golden_number(golden, group, "beta1"));
    set_number(config, "adam_beta2", golden_number(golden, group, "beta2"));
    set_number(config, "adam_epsilon", golden_number(golden, group, "epsilon"));
    free(name);
    return (float)golden_number(golden, group, "weight_decay");
}

/* All steps, `part` parameters at a time: after [STEPS][N]. */
static void run(const fed_config_t *config, float weight_decay, size_t part, float *after) {
    const fed_optimizer_t *optimizer = fed_optimizer_of(config);
    float *w = golden_floats(golden, "/initial", NULL);
    float *g = golden_floats(golden, "/gradients", NULL);
    float *rates = golden_floats(golden, "/rates", NULL);
    float *memory = FED_NEW_ARRAY(float, optimizer->vectors *N);
    for (size_t s = 0; s < STEPS; s++) {
        for (size_t first = 0; first < N; first += part) {
            fed_optimizer_step_t step = {
                .config = config,
                .number = (int64_t)s + 1,
                .learning_rate = rates[s],
                .weight_decay = weight_decay,
                .count = N - first < part ? N - first : part,
                .g = g + s * N + first,
                .memory = memory + first,
                .stride = N,
                .w = w + first,
            };
            optimizer->step(&step);
        }
        memcpy(after + s * N, w, N * sizeof *w);
    }
    fed_free(memory);
    free(w);
    free(g);
    free(rates);
}

static void check_case(const char *name) {
    float whole[STEPS * N], parts[STEPS * N];
    fed_config_t config;
    GOLDEN_PATH(group, "/%s", name);
    GOLDEN_PATH(path, "/%s/after", name);
    float weight_decay = configure(&config, group), *expected = golden_floats(golden, path, NULL);
    run(&config, weight_decay, N, whole);
    run(&config, weight_decay, 5, parts);
    assert_memory_equal(whole, parts, sizeof whole);
    for (size_t i = 0; i < (size_t)STEPS * N; i++)
        if (!(fabsf(whole[i] - expected[i]) <= 2e-6F * (1 + fabsf(expected[i]))))
            fail_msg("%s, step %zu, parameter %zu: %.9g, expected %.9g", name, i / N + 1, i % N,
                     (double)whole[i], (double)expected[i]);
    free(expected);
    fed_config_fini(&config);
}

static void test_pytorch(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(cases[i]);
}

/* Thousands of steps on: corrections of the start are gone, nothing overflows. */
static void test_late_steps(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    set(&config, "optimizer", "adam");
    float w = 1, g = 0.25F, memory[2] = {0.25F, 0.0625F};
    fed_optimizer_step_t step = {&config, INT64_C(1) << 40, 0.5F, 0, 1, &g, memory, 1, &w};
    fed_optimizer_of(&config)->step(&step);
    assert_true(fabsf(w - 0.5F) < 1e-6F);
    fed_config_fini(&config);
}

/* What formulas take for steps of SGD is refused with another. */
static void test_needs_sgd(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    assert_int_equal(fed_optimizer_must_be_sgd(&config, "fednova"), FED_OK);
    set(&config, "persistent_momentum", "true");
    assert_true(fed_momentum_persists(&config));
    set(&config, "optimizer", "adamw");
    assert_false(fed_momentum_persists(&config));
    assert_int_equal(fed_optimizer_must_be_sgd(&config, "fednova"), FED_INPUT);
    assert_non_null(strstr(fed_error_message(), "training.optimizer = adamw: fednova"));
    fed_config_fini(&config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pytorch),
        cmocka_unit_test(test_late_steps),
        cmocka_unit_test(test_needs_sgd),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
