/* Server optimizers against NumPy's float64 trajectories. */
#include "golden.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/fl/algorithm.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 12, N = 16 };

static hid_t golden;

static int open_golden(void **state) {
    (void)state;
    golden = golden_open("tests/golden/server.h5");
    return 0;
}

static int close_golden(void **state) {
    (void)state;
    return H5Fclose(golden) < 0;
}

static void set(fed_config_t *config, const char *key, double value) {
    char assignment[128];
    snprintf(assignment, sizeof assignment, "federated.%s=%.17g", key, value);
    if (fed_config_override(config, assignment) != FED_OK)
        fail_msg("%s", fed_error_message());
}

static const fed_server_optimizer_t *find(fed_config_t *config, const char *name) {
    const fed_server_optimizer_t *optimizer = NULL;
    if (fed_config_set(config, "federated", "server_optimizer", name, "test") != FED_OK ||
        fed_server_optimizer_find(config, &optimizer) != FED_OK)
        fail_msg("%s", fed_error_message());
    return optimizer;
}

/* Moments against the golden ones of a round, where there are any. */
static void compare_moments(const char *name, const char *moment, size_t round,
                            const double *kept) {
    GOLDEN_PATH(path, "/%s/%s", name, moment);
    if (!golden_has(golden, path))
        return;
    double *expected = golden_doubles(golden, path, NULL);
    for (size_t j = 0; j < N; j++)
        assert_true(fabs(kept[j] - expected[round * N + j]) <=
                    1e-12 * (1 + fabs(expected[round * N + j])));
    free(expected);
}

/* Parameters are floats: each step is compared from the golden ones of the round before. */
static void follow(const char *name, const char *optimizer_name, const char *const *keys) {
    fed_config_t config;
    fed_config_init(&config);
    GOLDEN_PATH(group, "/%s", name);
    GOLDEN_PATH(parameters, "/%s/parameters", name);
    set(&config, "server_learning_rate", golden_number(golden, group, "learning_rate"));
    for (; *keys; keys++)
        set(&config, strcmp(*keys, "beta") ? *keys : "beta1", golden_number(golden, group, *keys));
    const fed_server_optimizer_t *optimizer = find(&config, optimizer_name);

    float *initial = golden_floats(golden, "/initial", NULL), w[N];
    double *updates = golden_doubles(golden, "/updates", NULL);
    double *expected = golden_doubles(golden, parameters, NULL);
    double kept[2 * N] = {0};
    assert_true(optimizer->kept <= 2);
    if (optimizer->start)
        optimizer->start(&config, N, kept);
    memcpy(w, initial, sizeof w);
    for (size_t round = 0; round < ROUNDS; round++) {
        optimizer->step(&config, N, updates + round * N, kept, w);
        for (size_t j = 0; j < N; j++) {
            double right = expected[round * N + j];
            if (!(fabs((double)w[j] - right) <= 0x1p-23 * (1 + fabs(right))))
                fail_msg("%s, round %zu, parameter %zu: %.9g, expected %.9g", name, round, j,
                         (double)w[j], right);
            w[j] = (float)right;
        }
        compare_moments(name, "first_moment", round, kept);
        compare_moments(name, "second_moment", round, kept + N);
    }
    free(initial);
    free(updates);
    free(expected);
    fed_config_fini(&config);
    assert_int_equal(fed_memory_live(), 0);
}

#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void follows_golden_trajectories(void **state) {
    (void)state;
    const char *const *adaptive = KEYS("beta1", "beta2", "tau");
    follow("sgd", "sgd", KEYS(NULL));
    follow("sgd_half", "sgd", KEYS(NULL));
    follow("momentum", "momentum", KEYS("beta"));
    follow("adagrad", "adagrad", adaptive);
    follow("adagrad_momentum", "adagrad", adaptive);
    follow("adam", "adam", adaptive);
    follow("yogi", "yogi", adaptive);
}

/* At the defaults the server averages, bit for bit; so does momentum with beta1 0. */
static void sgd_at_rate_one_averages(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config);
    set(&config, "beta1", 0);
    float *initial = golden_floats(golden, "/initial", NULL);
    double *updates = golden_doubles(golden, "/updates", NULL);
    static const char *const names[] = {"sgd", "momentum"};
    for (size_t i = 0; i < 2; i++) {
        const fed_server_optimizer_t *optimizer = find(&config, names[i]);
        float w[N], averaged[N];
        double kept[N] = {0};
        memcpy(w, initial, sizeof w);
        memcpy(averaged, initial, sizeof w);
        for (size_t round = 0; round < ROUNDS; round++) {
            optimizer->step(&config, N, updates + round * N, kept, w);
            for (size_t j = 0; j < N; j++)
                averaged[j] = (float)((double)averaged[j] + updates[round * N + j]);
            assert_memory_equal(w, averaged, sizeof w);
        }
    }
    free(initial);
    free(updates);
    fed_config_fini(&config);
}

/* What the whole table has in common: zero updates change nothing after the start, and
 * an optimizer moves along an update, never against it. */
static void every_optimizer_moves_along_the_update(void **state) {
    (void)state;
    for (size_t i = 0; i < fed_server_optimizers.count; i++) {
        fed_config_t config;
        fed_config_init(&config);
        const fed_server_optimizer_t *optimizer =
            find(&config, fed_server_optimizers.entries[i]->name);
        double *kept = calloc((optimizer->kept + 1) * N, sizeof *kept), update[N] = {0};
        float w[N] = {0};
        if (optimizer->start)
            optimizer->start(&config, N, kept);
        optimizer->step(&config, N, update, kept, w);
        for (size_t j = 0; j < N; j++) {
            assert_true(w[j] == 0);
            update[j] = j % 2 ? 0.5 : -0.5;
        }
        optimizer->step(&config, N, update, kept, w);
        for (size_t j = 0; j < N; j++)
            assert_true(j % 2 ? w[j] > 0 : w[j] < 0);
        free(kept);
        fed_config_fini(&config);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_golden_trajectories),
        cmocka_unit_test(sgd_at_rate_one_averages),
        cmocka_unit_test(every_optimizer_moves_along_the_update),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
