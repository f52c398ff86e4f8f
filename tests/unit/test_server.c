/* Server optimizers against NumPy's float64 trajectories. */
#include "golden.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/fl/server_optimizer.h"
#include "fedmpi/run/rooms.h"

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
    if (fed_config_set(config, "federated", "server_optimizer", name, "test") != FED_OK)
        fail_msg("%s", fed_error_message());
    return fed_server_optimizer_of(config);
}

/* An optimizer in its memory. */
typedef struct server {
    const fed_server_optimizer_t *optimizer;
    fed_slots_t slots;
    fed_server_step_t step;
    double *block;
} server_t;

static void server_init(server_t *server, fed_config_t *config, const char *name, float *w) {
    *server = (server_t){.optimizer = find(config, name)};
    fed_slots_init(&server->slots, N);
    for (size_t i = 0; i < server->optimizer->slot_count; i++)
        fed_slots_add(&server->slots, server->optimizer->slots[i]);
    server->block = FED_NEW_ARRAY(double, server->slots.lengths[FED_OWNER_SERVER]);
    server->step = (fed_server_step_t){
        .config = config, .slots = &server->slots, .server_state = server->block, .w = w};
    if (server->optimizer->start)
        server->optimizer->start(&server->step);
}

static void server_step(server_t *server, const double *update) {
    server->step.update = update;
    server->optimizer->step(&server->step);
}

static void server_fini(server_t *server) {
    fed_free(server->block);
    fed_slots_fini(&server->slots);
}

/* Moments against the golden ones of a round, where there are any. */
static void compare_moments(const char *name, const char *moment, size_t round,
                            const server_t *server) {
    GOLDEN_PATH(path, "/%s/%s", name, moment);
    if (!golden_has(golden, path))
        return;
    const fed_place_t *place = fed_slots_find(&server->slots, FED_OWNER_SERVER, moment);
    if (!place) /* FedAvgM has one */
        place = fed_slots_find(&server->slots, FED_OWNER_SERVER, "momentum");
    assert_non_null(place);
    const double *kept = server->block + place->offset;
    double *expected = golden_doubles(golden, path, NULL);
    for (size_t j = 0; j < N; j++)
        assert_true(fabs(kept[j] - expected[round * N + j]) <=
                    1e-12 * (1 + fabs(expected[round * N + j])));
    free(expected);
}

/* Parameters are floats: each step is compared from the golden ones of the round before. */
static void follow(const char *name, const char *optimizer_name, const char *const *keys) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    GOLDEN_PATH(group, "/%s", name);
    GOLDEN_PATH(parameters, "/%s/parameters", name);
    set(&config, "server_learning_rate", golden_number(golden, group, "learning_rate"));
    for (; *keys; keys++)
        set(&config, strcmp(*keys, "beta") ? *keys : "beta1", golden_number(golden, group, *keys));

    float *initial = golden_floats(golden, "/initial", NULL), w[N];
    double *updates = golden_doubles(golden, "/updates", NULL);
    double *expected = golden_doubles(golden, parameters, NULL);
    server_t server;
    server_init(&server, &config, optimizer_name, w);
    memcpy(w, initial, sizeof w);
    for (size_t round = 0; round < ROUNDS; round++) {
        server_step(&server, updates + round * N);
        for (size_t j = 0; j < N; j++) {
            double right = expected[round * N + j];
            if (!(fabs((double)w[j] - right) <= 0x1p-23 * (1 + fabs(right))))
                fail_msg("%s, round %zu, parameter %zu: %.9g, expected %.9g", name, round, j,
                         (double)w[j], right);
            w[j] = (float)right;
        }
        compare_moments(name, "first_moment", round, &server);
        compare_moments(name, "second_moment", round, &server);
    }
    server_fini(&server);
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
    fed_config_init(&config, fed_rooms);
    set(&config, "beta1", 0);
    float *initial = golden_floats(golden, "/initial", NULL);
    double *updates = golden_doubles(golden, "/updates", NULL);
    static const char *const names[] = {"sgd", "momentum"};
    for (size_t i = 0; i < 2; i++) {
        float w[N], averaged[N];
        server_t server;
        server_init(&server, &config, names[i], w);
        memcpy(w, initial, sizeof w);
        memcpy(averaged, initial, sizeof w);
        for (size_t round = 0; round < ROUNDS; round++) {
            server_step(&server, updates + round * N);
            for (size_t j = 0; j < N; j++)
                averaged[j] = (float)((double)averaged[j] + updates[round * N + j]);
            assert_memory_equal(w, averaged, sizeof w);
        }
        server_fini(&server);
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
        fed_config_init(&config, fed_rooms);
        double update[N] = {0};
        float w[N] = {0};
        server_t server;
        server_init(&server, &config, fed_server_optimizers.entries[i]->name, w);
        server_step(&server, update);
        for (size_t j = 0; j < N; j++) {
            assert_true(w[j] == 0);
            update[j] = j % 2 ? 0.5 : -0.5;
        }
        server_step(&server, update);
        for (size_t j = 0; j < N; j++)
            assert_true(j % 2 ? w[j] > 0 : w[j] < 0);
        server_fini(&server);
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
