/* Generated samples: against a second implementation in plain Python, and the law of the
 * sizes. */
#include "support.h"

#include "fedmpi/data/dataset.h"
#include "fedmpi/data/partition.h"
#include "fedmpi/io/arrays.h"
#include "fedmpi/run/rooms.h"

#include <math.h>

typedef struct loaded {
    fed_config_t config;
    void *block;
    fed_dataset_t data;
    fed_partition_t partition;
} loaded_t;

static loaded_t load_with(const char *rules, int64_t seed, double alpha, double beta,
                          size_t clients, size_t cap) {
    loaded_t loaded;
    fed_dataset_shape_t shape;
    fed_config_init(&loaded.config, fed_rooms);
    set(&loaded.config, "experiment.seed", "%lld", (long long)seed);
    set(&loaded.config, "data.dataset", "synthetic");
    set(&loaded.config, "data.synthetic_rules", "%s", rules);
    set(&loaded.config, "data.synthetic_alpha", "%g", alpha);
    set(&loaded.config, "data.synthetic_beta", "%g", beta);
    set(&loaded.config, "data.synthetic_test_samples", "10");
    set(&loaded.config, "partition.scheme", "natural");
    set(&loaded.config, "partition.clients", "%zu", clients);
    set(&loaded.config, "partition.samples_per_client", "%zu", cap);
    assert_ok(fed_dataset_measure(&loaded.config, &fed_hdf5_arrays, &shape));
    loaded.block = fed_alloc(fed_dataset_block_bytes(&shape), 1);
    assert_ok(fed_dataset_fill(&loaded.config, &fed_hdf5_arrays, &shape, loaded.block));
    loaded.data = fed_dataset_attach(&loaded.config, loaded.block);
    fed_labels_t labels = {
        .count = loaded.data.train.count,
        .classes = loaded.data.classes,
        .generated_first = loaded.data.generated_first,
        .generated_clients = loaded.data.generated_clients,
    };
    assert_ok(fed_partition_init(&loaded.partition, &loaded.config, &labels));
    return loaded;
}

static loaded_t load(int64_t seed, double alpha, double beta, size_t clients, size_t cap) {
    return load_with("independent", seed, alpha, beta, clients, cap);
}

static void unload(loaded_t *loaded) {
    fed_partition_fini(&loaded->partition);
    fed_dataset_detach(&loaded->data);
    fed_free(loaded->block);
    fed_config_fini(&loaded->config);
}

/* tests/reference/synthetic_plain.py prints these. */
static const struct row {
    int64_t seed;
    double alpha, beta;
    size_t client, samples, number;
    double first, second, last;
    int32_t label;
} rows[] = {
    {1, 1, 1, 0, 72, 0, -0.879668864, -1.02451005, -2.40732131, 7},
    {1, 1, 1, 0, 72, 1, -0.848414943, 0.783066932, -2.30150203, 7},
    {1, 1, 1, 0, 72, 19, -0.545590787, -1.19167992, -2.37791313, 7},
    {1, 1, 1, 4999, 59, 0, -0.261386853, -1.91835312, -1.7298026, 6},
    {1, 1, 1, 4999, 59, 1, -3.46694029, -1.9125665, -1.84147633, 7},
    {1, 1, 1, 4999, 59, 19, -0.168494055, -0.0606846728, -1.69647975, 6},
    {1099511627779, 0.5, 2, 77, 118, 0, -3.53485386, -2.6715607, -3.09762081, 2},
    {1099511627779, 0.5, 2, 77, 118, 1, -6.27177765, -1.84490312, -3.12059919, 2},
    {1099511627779, 0.5, 2, 77, 118, 19, -3.45171082, -3.69816825, -3.08808681, 9},
    {4, 0, 0, 5, 1066, 0, -3.19855672, 1.34347951, -0.856492892, 6},
    {4, 0, 0, 5, 1066, 1, -0.769398501, 0.323382384, -0.801233815, 6},
    {4, 0, 0, 5, 1066, 19, -0.0442185311, 1.07536996, -0.944116421, 6},
};

static void samples_are_those_of_the_plain_twin(void **state) {
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const struct row *row = &rows[r];
        loaded_t loaded = load(row->seed, row->alpha, row->beta, row->client + 1, 0);
        size_t count;
        const uint32_t *samples = fed_partition_samples(&loaded.partition, row->client, &count);
        assert_int_equal(count, row->samples);
        float x[60];
        int32_t label;
        fed_samples_gather(&loaded.data.train, &samples[row->number], 1, x, &label);
        assert_true(fabs((double)x[0] - row->first) < 1e-6);
        assert_true(fabs((double)x[1] - row->second) < 1e-6);
        assert_true(fabs((double)x[59] - row->last) < 1e-6);
        assert_int_equal(label, row->label);
        unload(&loaded);
    }
}

static void test_samples_come_from_all_clients(void **state) {
    (void)state;
    loaded_t loaded = load(1, 1, 1, 10, 5);
    float x[60];
    int32_t label;
    assert_int_equal(loaded.data.test.count, 10);
    fed_samples_slice(&loaded.data.test, 3, 1, x, &label); /* of client 3 */
    assert_true(fabs((double)x[0] - 0.656273723) < 1e-6);
    assert_true(fabs((double)x[59] - 0.0235590339) < 1e-6);
    assert_int_equal(label, 2);
    unload(&loaded);
}

/* In any order, with any other sample in between. */
static void a_sample_is_a_function_of_its_position(void **state) {
    (void)state;
    loaded_t loaded = load(1, 1, 1, 50, 4);
    assert_int_equal(fed_partition_total(&loaded.partition), 200);
    static float in_order[200][60];
    int32_t labels[200], label;
    float x[60];
    fed_samples_slice(&loaded.data.train, 0, 200, in_order[0], labels);
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t row = i * 77 % 200;
        fed_samples_gather(&loaded.data.train, &row, 1, x, &label);
        assert_memory_equal(x, in_order[row], sizeof x);
        assert_int_equal(label, labels[row]);
    }
    FED_AUTOFREE uint32_t *pool = fed_partition_pool(&loaded.partition);
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(pool[i], i);
    unload(&loaded);
}

/* tests/reference/synthetic_plain.py prints these: sample 5 of clients 0 to 11. */
static void common_rules_are_those_of_the_plain_twin(void **state) {
    (void)state;
    static const struct {
        double alpha;
        int32_t labels[12];
    } expected[] = {
        {0, {7, 1, 2, 6, 5, 2, 2, 7, 9, 1, 2, 6}},
        {0.3, {7, 4, 2, 0, 5, 9, 5, 7, 9, 1, 2, 6}},
        {2, {7, 4, 6, 9, 2, 9, 5, 8, 9, 5, 4, 6}},
    };
    for (size_t e = 0; e < sizeof expected / sizeof *expected; e++) {
        loaded_t loaded = load_with("common", 7, expected[e].alpha, 1, 12, 0);
        for (uint32_t k = 0; k < 12; k++) {
            float x[60];
            int32_t label;
            uint32_t row = (uint32_t)loaded.data.generated_first[k] + 5;
            fed_samples_gather(&loaded.data.train, &row, 1, x, &label);
            assert_int_equal(label, expected[e].labels[k]);
        }
        unload(&loaded);
    }
}

enum { COMPARED_CLIENTS = 40, COMPARED = COMPARED_CLIENTS * 50 };

/* Clients of 50 samples each. */
static void read_labels(const char *rules, double alpha, int32_t *labels) {
    loaded_t loaded = load_with(rules, 3, alpha, 1, COMPARED_CLIENTS, 50);
    assert_int_equal(loaded.data.train.count, COMPARED);
    FED_AUTOFREE float *x = FED_NEW_ARRAY(float, COMPARED * 60);
    fed_samples_slice(&loaded.data.train, 0, COMPARED, x, labels);
    unload(&loaded);
}

/* Share of the samples, which are the same, that get another label by another alpha. */
static double change(const char *rules, double one, double other) {
    int32_t left[COMPARED], right[COMPARED];
    size_t changed = 0;
    read_labels(rules, one, left);
    read_labels(rules, other, right);
    for (size_t i = 0; i < COMPARED; i++)
        changed += left[i] != right[i];
    return (double)changed / COMPARED;
}

/* As published: alpha moves the logits of all classes alike. */
static void alpha_moves_no_independent_rule(void **state) {
    (void)state;
    assert_true(change("independent", 0, 50) == 0);
}

/* From one rule for all to rules that agree by chance. */
static void common_rules_part_as_alpha_grows(void **state) {
    (void)state;
    static const double alphas[] = {0.01, 0.1, 0.3, 1, 3, 100};
    double before = 0;
    for (size_t i = 0; i < sizeof alphas / sizeof *alphas; i++) {
        double parted = change("common", 0, alphas[i]);
        assert_true(parted > before);
        before = parted;
    }
    assert_true(before > 0.8); /* of ten classes */
    assert_true(change("common", 0, 0.01) < 0.03);
}

/* log(size - 50) ~ N(4, 4), but for rounding down. */
static void sizes_are_log_normal(void **state) {
    (void)state;
    enum { CLIENTS = 20000 };
    loaded_t loaded = load(1, 1, 1, CLIENTS, 0);
    double sum = 0, squares = 0;
    for (size_t k = 0; k < CLIENTS; k++) {
        size_t size = fed_partition_count(&loaded.partition, k);
        assert_true(size >= 50);
        double z = (log((double)size - 49.5) - 4) / 2;
        sum += z / CLIENTS;
        squares += z * z / CLIENTS;
    }
    assert_true(fabs(sum) < 0.03 && fabs(squares - 1) < 0.05);
    unload(&loaded);
    loaded = load(1, 1, 1, CLIENTS, 60);
    for (size_t k = 0; k < CLIENTS; k++)
        assert_in_range(fed_partition_count(&loaded.partition, k), 50, 60);
    unload(&loaded);
}

static void refuse(const char *key, const char *value, const char *message) {
    fed_config_t config;
    fed_dataset_shape_t shape;
    fed_config_init(&config, fed_rooms);
    set(&config, "data.dataset", "synthetic");
    set(&config, key, "%s", value);
    assert_fails(FED_INPUT, message, fed_dataset_measure(&config, &fed_hdf5_arrays, &shape));
    fed_config_fini(&config);
}

static void what_needs_all_samples_is_refused(void **state) {
    (void)state;
    refuse("data.train_limit", "5", "data.train_limit = 5: not with data.dataset = synthetic");
    refuse("data.validation_samples", "5", "data.validation_samples");
    refuse("data.normalize", "standard", "data.normalize");
    refuse("data.drop_constant_features", "true", "data.drop_constant_features");
    refuse("partition.clients", "0", "partition.clients");
    if (trials(100) == 100) /* seconds, minutes under valgrind */
        refuse("partition.clients", "100000000", "accepted is 4294967295 at most");
    fed_config_t config;
    fed_partition_t partition;
    size_t first[] = {0, 50};
    fed_labels_t labels = {
        .count = 50, .classes = 10, .generated_first = first, .generated_clients = 1};
    fed_config_init(&config, fed_rooms);
    assert_fails(FED_INPUT, "accepted is natural",
                 fed_partition_init(&partition, &config, &labels));
    fed_config_fini(&config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(samples_are_those_of_the_plain_twin),      TEST(test_samples_come_from_all_clients),
        TEST(a_sample_is_a_function_of_its_position),   TEST(sizes_are_log_normal),
        TEST(common_rules_are_those_of_the_plain_twin), TEST(alpha_moves_no_independent_rule),
        TEST(common_rules_part_as_alpha_grows),         TEST(what_needs_all_samples_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
