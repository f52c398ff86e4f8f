/* The algorithms against PyTorch's and NumPy's float64, and against each other. */
#include "federation.h"

#include "fedmpi/fl/client.h"
#include "fedmpi/fl/schedule.h"

#include <math.h>

#define TOLERANCE 3e-6 /* three rounds in float32 against float64 */

static hid_t golden;

static int open_golden(void **state) {
    (void)state;
    golden = golden_open("tests/golden/clients.h5");
    return 0;
}

static int close_golden(void **state) {
    (void)state;
    return H5Fclose(golden) < 0;
}

/* --- Golden trajectories ------------------------------------------------------------------ */

/* vector[n] against the golden tensors below `name`, at their index-th entry. */
static void compare(const federation_t *federation, const char *algorithm, const char *name,
                    size_t index, const float *vector) {
    for (size_t t = 0; t < federation->problem.model.tensor_count; t++) {
        const fed_tensor_t *tensor = &federation->problem.model.tensors[t];
        GOLDEN_PATH(path, "/%s/%s/%s/%s", federation->name, algorithm, name, tensor->name);
        float *expected = golden_floats(federation->file, path, NULL), values[64];
        assert_true(tensor->count <= 64);
        fed_tensor_export(tensor, vector, values);
        for (size_t i = 0; i < tensor->count; i++)
            if (!(fabsf(values[i] - expected[index * tensor->count + i]) < TOLERANCE))
                fail_msg("%s [%zu][%zu]: %.9g, expected %.9g", path, index, i, (double)values[i],
                         (double)expected[index * tensor->count + i]);
        free(expected);
    }
}

/* Where the file has a round. */
static size_t in_file(int64_t round) {
    return (size_t)round - 1;
}

/* Number j of the server's vector that estimates the clients' mean gradient. */
static double server_state(const federation_t *federation, size_t j) {
    fed_saved_t saved[FED_SAVED_VECTORS];
    size_t count = federation->protocol->list_saved(federation->state, saved);
    for (size_t i = 0; i < count; i++)
        if (strcmp(saved[i].name, "down/control") == 0)
            return (double)saved[i].floats[j];
        else if (saved[i].doubles)
            return saved[i].doubles[j];
    fail_msg("the server keeps nothing");
    return NAN;
}

/* What a client weighs before the participants' weights are made to add up to 1. */
static double raw_weight(const federation_t *federation, size_t client) {
    return fed_federated_options(&federation->problem.config)->weighting == FED_WEIGHT_SAMPLES
               ? (double)federation_samples(federation, client)
               : 1;
}

static void compare_states(const federation_t *federation, const char *algorithm, int64_t round) {
    GOLDEN_PATH(path, "/%s/%s/server_state", federation->name, algorithm);
    if (!golden_has(federation->file, path))
        return;
    float server[64];
    for (size_t j = 0; j < federation->problem.model.parameters; j++)
        server[j] = (float)server_state(federation, j);
    compare(federation, algorithm, "server_state", in_file(round), server);
    for (size_t k = 0; k < CLIENTS; k++)
        compare(federation, algorithm, "client_state", in_file(round) * CLIENTS + k,
                fed_engine_states(federation->engine)->kept[k]);
}

static void compare_measures(const federation_t *federation, const char *algorithm, int64_t round) {
    GOLDEN_PATH(loss_path, "/%s/%s/train_loss", federation->name, algorithm);
    GOLDEN_PATH(correct_path, "/%s/%s/train_correct", federation->name, algorithm);
    double *loss = golden_doubles(federation->file, loss_path, NULL);
    int32_t *correct = golden_integers(federation->file, correct_path, NULL);
    for (size_t k = 0; k < CLIENTS; k++) {
        if (!federation_takes_part(federation, round, k))
            continue;
        double seen = (double)(federation_samples(federation, k) *
                               (size_t)fed_training_options(&federation->problem.config)->epochs);
        assert_true(fabs(federation->measured[k].loss - loss[in_file(round) * CLIENTS + k]) <
                    TOLERANCE);
        assert_int_equal(lrint(federation->measured[k].accuracy * seen),
                         correct[in_file(round) * CLIENTS + k]);
    }
    free(loss);
    free(correct);
}

static void set_case(federation_t *federation, const char *name) {
    GOLDEN_PATH(group, "/%s/%s", federation->name, name);
    static const struct {
        const char *attribute, *key;
    } numbers[] = {
        {"learning_rate", "training.learning_rate"},
        {"momentum", "training.momentum"},
        {"persistent_momentum", "training.persistent_momentum"},
        {"mu", "federated.mu"},
        {"alpha", "federated.alpha"},
        {"option", "federated.scaffold_option"},
    };
    char *algorithm = golden_text(federation->file, group, "algorithm");
    char *weighting = golden_text(federation->file, group, "weighting");
    set(&federation->problem.config, "federated.algorithm", "%s", algorithm);
    set(&federation->problem.config, "federated.weighting", "%s", weighting);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double value = golden_number(federation->file, group, numbers[i].attribute);
        if (value != 0) /* the algorithm has no such number */
            set(&federation->problem.config, numbers[i].key, "%g", value);
    }
    H5free_memory(algorithm);
    H5free_memory(weighting);
}

static void replay(const char *problem, const char *name, double density) {
    federation_t federation;
    federation_init(&federation, golden, problem);
    set_case(&federation, name);
    federation_start(&federation, density);
    for (int64_t round = 1; round <= ROUNDS; round++) {
        federation_round(&federation, round, true);
        compare(&federation, name, "global", in_file(round), federation.w);
        for (size_t k = 0; k < CLIENTS; k++)
            if (federation_takes_part(&federation, round, k))
                compare(&federation, name, "local", in_file(round) * CLIENTS + k,
                        federation.local[k]);
        compare_states(&federation, name, round);
        compare_measures(&federation, name, round);
    }
    federation_fini(&federation);
}

static void replays_golden_rounds(void **state) {
    (void)state;
    static const char *const problems[] = {"logistic", "mlp"};
    static const char *const cases[] = {
        "fedavg",  "fedavg_uniform",   "fedavg_momentum", "fedavg_persistent_momentum",
        "fedprox", "fedprox_momentum", "scaffold_1",      "scaffold_2",
        "fednova", "fednova_momentum", "feddyn"};
    for (size_t p = 0; p < 2; p++)
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
            replay(problems[p], cases[c], 1);
            replay(problems[p], cases[c], 0.1); /* the first layer that skips zeros */
        }
}

/* --- Identities between algorithms --------------------------------------------------------- */

/* Global parameters after all rounds, with these keys set: NULL-terminated pairs. */
static size_t outcome(const char *const *keys, float *w) {
    federation_t federation;
    federation_init(&federation, golden, "mlp");
    for (; *keys; keys += 2)
        set(&federation.problem.config, keys[0], "%s", keys[1]);
    federation_start(&federation, 0.1);
    for (int64_t round = 1; round <= ROUNDS; round++)
        federation_round(&federation, round, false);
    size_t n = federation.problem.model.parameters;
    assert_true(n <= 64);
    memcpy(w, federation.w, n * sizeof *w);
    federation_fini(&federation);
    return n;
}

#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_same_bits(const char *const *a, const char *const *b) {
    float left[64], right[64];
    size_t n = outcome(a, left);
    assert_int_equal(n, outcome(b, right));
    assert_memory_equal(left, right, n * sizeof *left);
}

static double distance(const char *const *a, const char *const *b) {
    float left[64], right[64];
    double largest = 0;
    size_t n = outcome(a, left);
    assert_int_equal(n, outcome(b, right));
    for (size_t j = 0; j < n; j++)
        largest = fmax(largest, fabs((double)left[j] - (double)right[j]));
    return largest;
}

static void without_their_terms_algorithms_are_fedavg(void **state) {
    (void)state;
    const char *const *plain = KEYS("training.momentum", "0.9", "training.weight_decay", "0.01");
    assert_same_bits(plain, KEYS("training.momentum", "0.9", "training.weight_decay", "0.01",
                                 "federated.algorithm", "fedprox", "federated.mu", "0"));
    assert_same_bits(plain, KEYS("training.momentum", "0.9", "training.weight_decay", "0.01",
                                 "training.clip_norm", "1e30"));
    /* A proximal term that is there does change the outcome. */
    assert_true(distance(plain, KEYS("training.momentum", "0.9", "training.weight_decay", "0.01",
                                     "federated.algorithm", "fedprox", "federated.mu", "1")) >
                1e-3);
}

static void fedsgd_is_one_full_batch(void **state) {
    (void)state;
    assert_true(distance(KEYS("training.epochs", "1", "training.batch_size", "28"),
                         KEYS("federated.algorithm", "fedsgd")) < 1e-6);
    assert_true(distance(KEYS("training.epochs", "1", "training.batch_size", "28",
                              "training.momentum", "0.9", "training.nesterov", "true",
                              "training.clip_norm", "0.1", "training.persistent_momentum", "true"),
                         KEYS("federated.algorithm", "fedsgd", "training.momentum", "0.9",
                              "training.nesterov", "true", "training.clip_norm", "0.1",
                              "training.persistent_momentum", "true")) < 1e-6);
}

static void fednova_with_equal_steps_is_fedavg(void **state) {
    (void)state;
    const char *const *equal = KEYS("training.steps", "5", "training.momentum", "0.9");
    const char *const *unequal = KEYS("training.momentum", "0.9");
    assert_true(distance(equal, KEYS("training.steps", "5", "training.momentum", "0.9",
                                     "federated.algorithm", "fednova")) < 1e-6);
    assert_true(distance(unequal, KEYS("training.momentum", "0.9", "federated.algorithm",
                                       "fednova")) > 1e-4);
}

/* Averages that the papers' server states stand for, with both weightings. */
static void server_states_are_averages(void **state) {
    (void)state;
    static const char *const algorithms[] = {"scaffold", "feddyn"};
    static const char *const weightings[] = {"samples", "uniform"};
    for (size_t c = 0; c < 4; c++) {
        federation_t federation;
        federation_init(&federation, golden, "mlp");
        set(&federation.problem.config, "federated.algorithm", "%s", algorithms[c % 2]);
        set(&federation.problem.config, "federated.weighting", "%s", weightings[c / 2]);
        federation_start(&federation, 1);
        double total = 0, size = 0;
        for (size_t k = 0; k < CLIENTS; k++)
            total += raw_weight(&federation, k);
        for (int64_t round = 1; round <= ROUNDS; round++) {
            federation_round(&federation, round, false);
            for (size_t j = 0; j < federation.problem.model.parameters; j++) {
                double mean = 0;
                for (size_t k = 0; k < CLIENTS; k++)
                    mean += raw_weight(&federation, k) / total *
                            (double)fed_engine_states(federation.engine)->kept[k][j];
                double server = server_state(&federation, j);
                assert_true(fabs(mean - server) < 1e-6);
                size += fabs(server);
            }
        }
        assert_true(size > 1e-2);
        federation_fini(&federation);
    }
}

/* --- Keys of local training --------------------------------------------------------------- */

static void steps_count_as_epochs_do(void **state) {
    (void)state;
    federation_t federation;
    federation_init(&federation, golden, "mlp");
    set(&federation.problem.config, "training.steps", "7");
    federation_start(&federation, 1);
    federation_round(&federation, 1, false);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(federation.client_rows[i].steps, 7);
    /* 10, 5 and 13 samples in batches of 4: 3, 2 and 4 steps an epoch. */
    assert_int_equal(
        fed_client_epochs(federation.problem.method.algorithm, &federation.problem.config, 10), 3);
    assert_int_equal(
        fed_client_epochs(federation.problem.method.algorithm, &federation.problem.config, 5), 4);
    assert_int_equal(
        fed_client_epochs(federation.problem.method.algorithm, &federation.problem.config, 13), 2);
    federation_fini(&federation);
    assert_same_bits(KEYS("training.batch_size", "28", "training.epochs", "4"),
                     KEYS("training.batch_size", "28", "training.steps", "4"));
}

static void clipped_steps_are_short(void **state) {
    (void)state;
    federation_t federation;
    federation_init(&federation, golden, "mlp");
    set(&federation.problem.config, "training.steps", "1");
    set(&federation.problem.config, "training.clip_norm", "0.01");
    federation_start(&federation, 0.1);
    federation_round(&federation, 1, false);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_true(fabs(federation.client_rows[i].update_norm - 0.1 * 0.01) < 1e-7);
    federation_fini(&federation);
}

/* v = m v + g; y -= rate (g + m v), from gradients that plain SGD's steps reveal. */
static void nesterov_looks_ahead(void **state) {
    (void)state;
    static const char *const variants[][3] = {{"0", "false", "1"}, {"0.5", "true", "1"}};
    double norms[2];
    for (size_t i = 0; i < 2; i++) {
        federation_t federation;
        federation_init(&federation, golden, "logistic");
        set(&federation.problem.config, "training.momentum", "%s", variants[i][0]);
        set(&federation.problem.config, "training.nesterov", "%s", variants[i][1]);
        set(&federation.problem.config, "training.steps", "%s", variants[i][2]);
        federation_start(&federation, 0.1);
        federation_round(&federation, 1, false);
        norms[i] = federation.client_rows[0].update_norm;
        federation_fini(&federation);
    }
    assert_true(fabs(norms[1] / norms[0] - 1.5) < 1e-5); /* g + m g on the first step */
}

static void rates_follow_their_schedule(void **state) {
    (void)state;
    static const struct {
        const char *schedule;
        double rates[4]; /* in rounds 1, 6, 11 and 31 */
    } cases[] = {
        {"constant", {0.4, 0.4, 0.4, 0.4}},
        {"step", {0.4, 0.4, 0.1, 0.4 / 64}},
        {"exponential", {0.4, 0.2, 0.1, 0.4 / 64}},
        {"cosine", {0.4, 0.25, 0.1, 0.1}},
    };
    static const int64_t rounds[] = {1, 6, 11, 31};
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    assert_int_equal(fed_config_override(&config, "training.learning_rate=0.4"), FED_OK);
    assert_int_equal(fed_config_override(&config, "training.decay=0.25"), FED_OK);
    assert_int_equal(fed_config_override(&config, "training.decay_rounds=10"), FED_OK);
    for (size_t c = 0; c < 4; c++) {
        assert_int_equal(fed_config_set(&config, "training", "schedule", cases[c].schedule, "test"),
                         FED_OK);
        const fed_schedule_t *schedule = fed_schedule_of(&config);
        for (size_t r = 0; r < 4; r++)
            assert_true(fabs(fed_learning_rate(schedule, &config, rounds[r]) - cases[c].rates[r]) <
                        1e-12);
    }
    fed_config_fini(&config);
}

/* --- States ------------------------------------------------------------------------------- */

static void states_change_when_a_round_is_complete(void **state) {
    (void)state;
    fed_states_t states;
    fed_states_init(&states, 3, 2);
    fed_states_open(&states, 1)[0] = 5;
    assert_null(states.kept[1]);
    assert_true(fed_states_open(&states, 1)[0] == 0); /* opened again: from what was kept */
    fed_states_open(&states, 1)[1] = 7;
    fed_states_open(&states, 2)[1] = 8;
    fed_states_discard(&states, 2);
    fed_states_commit(&states);
    assert_true(states.kept[1][0] == 0 && states.kept[1][1] == 7);
    assert_null(states.kept[0]);
    assert_null(states.kept[2]);
    fed_states_open(&states, 0)[0] = 1;
    fed_states_open(&states, 1)[1] = 9;
    fed_states_abandon(&states);
    fed_states_commit(&states);
    assert_null(states.kept[0]);
    assert_true(states.kept[1][1] == 7);
    fed_states_fini(&states);
    fed_states_init(&states, 3, 0);
    assert_null(fed_states_open(&states, 1));
    fed_states_commit(&states);
    fed_states_fini(&states);
    assert_int_equal(fed_memory_live(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replays_golden_rounds),
        cmocka_unit_test(without_their_terms_algorithms_are_fedavg),
        cmocka_unit_test(fedsgd_is_one_full_batch),
        cmocka_unit_test(fednova_with_equal_steps_is_fedavg),
        cmocka_unit_test(server_states_are_averages),
        cmocka_unit_test(steps_count_as_epochs_do),
        cmocka_unit_test(clipped_steps_are_short),
        cmocka_unit_test(nesterov_looks_ahead),
        cmocka_unit_test(rates_follow_their_schedule),
        cmocka_unit_test(states_change_when_a_round_is_complete),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
