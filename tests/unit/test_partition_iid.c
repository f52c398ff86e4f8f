/* The IID partition: disjoint, complete, the same count of every class. */
#include "support.h"

#include "fedmpi/data/partition.h"
#include "fedmpi/run/rooms.h"

#include <math.h>

/* Labels with a probability of `skew` for class 0, else any class; the caller frees. */
static fed_labels_t any_labels(size_t count, size_t classes, double skew) {
    int32_t *labels = FED_NEW_ARRAY(int32_t, count);
    for (size_t i = 0; i < count; i++)
        labels[i] = fabs(any_number()) < skew ? 0 : (int32_t)any_below(classes);
    return (fed_labels_t){.labels = labels, .count = count, .classes = classes};
}

static void free_labels(const fed_labels_t *labels) {
    fed_free((void *)labels->labels);
}

static void configure(fed_config_t *config, size_t clients, size_t samples, bool stratified) {
    fed_config_init(config, fed_rooms);
    set(config, "partition.clients", "%zu", clients);
    set(config, "partition.samples_per_client", "%zu", samples);
    set(config, "partition.stratified", stratified ? "true" : "false");
}

/* No sample twice, all in range, ascending for each client. Returns how many there are. */
static size_t check_disjoint(const fed_partition_t *partition, const fed_labels_t *labels) {
    FED_AUTOFREE bool *taken = FED_NEW_ARRAY(bool, labels->count);
    assert_int_equal(partition->first[0], 0);
    for (size_t k = 0; k < partition->clients; k++) {
        size_t count;
        const uint32_t *samples = fed_partition_samples(partition, k, &count);
        for (size_t i = 0; i < count; i++) {
            assert_true(samples[i] < labels->count && !taken[samples[i]]);
            assert_true(i == 0 || samples[i - 1] < samples[i]);
            taken[samples[i]] = true;
        }
    }
    return fed_partition_total(partition);
}

/* Smallest and largest of n numbers that lie `stride` apart. */
static void extremes(const int64_t *values, size_t n, size_t stride, int64_t *low, int64_t *high) {
    *low = *high = values[0];
    for (size_t i = 0; i < n; i++) {
        *low = values[i * stride] < *low ? values[i * stride] : *low;
        *high = values[i * stride] > *high ? values[i * stride] : *high;
    }
}

static int64_t *count_labels(const fed_partition_t *partition, const fed_labels_t *labels) {
    int64_t *counts = FED_NEW_ARRAY(int64_t, partition->clients * labels->classes);
    fed_partition_label_counts(partition, labels, counts);
    for (size_t k = 0; k < partition->clients; k++) { /* against counting by hand */
        size_t count;
        int64_t sum = 0;
        fed_partition_samples(partition, k, &count);
        for (size_t c = 0; c < labels->classes; c++)
            sum += counts[k * labels->classes + c];
        assert_int_equal(sum, count);
    }
    return counts;
}

static void everything_is_shared_out(void **state) {
    (void)state;
    for (size_t trial = 0; trial < trials(200); trial++) {
        size_t count = 1 + any_below(600), classes = 1 + any_below(12);
        size_t clients = 1 + any_below(count < 40 ? count : 40);
        bool stratified = any_below(2);
        fed_labels_t labels = any_labels(count, classes, 0.3);
        fed_config_t config;
        fed_partition_t partition;
        configure(&config, clients, 0, stratified);
        assert_ok(fed_partition_init(&partition, &config, &labels));
        assert_int_equal(partition.clients, clients);
        assert_int_equal(check_disjoint(&partition, &labels), count);
        FED_AUTOFREE int64_t *counts = count_labels(&partition, &labels);
        int64_t low, high;
        for (size_t c = 0; stratified && c < classes; c++) {
            extremes(counts + c, clients, classes, &low, &high);
            assert_true(high - low <= 1);
        }
        FED_AUTOFREE int64_t *totals = FED_NEW_ARRAY(int64_t, clients);
        for (size_t k = 0; k < clients; k++)
            totals[k] = (int64_t)(partition.first[k + 1] - partition.first[k]);
        extremes(totals, clients, 1, &low, &high);
        assert_true(high - low <= 1);
        fed_partition_fini(&partition);
        fed_config_fini(&config);
        free_labels(&labels);
    }
}

static void everybody_gets_what_was_asked_for(void **state) {
    (void)state;
    for (size_t trial = 0; trial < trials(200); trial++) {
        size_t classes = 1 + any_below(10), clients = 1 + any_below(20), each = 1 + any_below(25);
        bool stratified = any_below(2);
        fed_labels_t labels = any_labels(clients * (each + classes) * 3 + 500, classes, 0);
        fed_config_t config;
        fed_partition_t partition;
        configure(&config, clients, each, stratified);
        assert_ok(fed_partition_init(&partition, &config, &labels));
        assert_int_equal(check_disjoint(&partition, &labels), clients * each);
        FED_AUTOFREE int64_t *counts = count_labels(&partition, &labels);
        for (size_t k = 0; k < clients; k++) {
            int64_t low, high;
            assert_int_equal(partition.first[k + 1] - partition.first[k], each);
            extremes(counts + k * classes, classes, 1, &low, &high);
            assert_true(!stratified || high - low <= 1);
        }
        fed_partition_fini(&partition);
        fed_config_fini(&config);
        free_labels(&labels);
    }
}

/* 150 clients of 300, 30 of each class: the study's partition. */
static void the_studys_partition_is_exact(void **state) {
    (void)state;
    fed_labels_t labels = any_labels(50000, 10, 0);
    fed_config_t config;
    fed_partition_t partition;
    configure(&config, 150, 300, true);
    assert_ok(fed_partition_init(&partition, &config, &labels));
    FED_AUTOFREE int64_t *counts = count_labels(&partition, &labels);
    for (size_t i = 0; i < 1500; i++)
        assert_int_equal(counts[i], 30);
    fed_partition_fini(&partition);
    fed_config_fini(&config);
    free_labels(&labels);
}

static bool same_partition(const fed_config_t *a, const fed_config_t *b,
                           const fed_labels_t *labels) {
    fed_partition_t of_a, of_b;
    assert_ok(fed_partition_init(&of_a, a, labels));
    assert_ok(fed_partition_init(&of_b, b, labels));
    size_t total = fed_partition_total(&of_a);
    bool same = total == fed_partition_total(&of_b) &&
                memcmp(of_a.samples, of_b.samples, total * sizeof *of_a.samples) == 0;
    fed_partition_fini(&of_a);
    fed_partition_fini(&of_b);
    return same;
}

static void the_seed_decides(void **state) {
    (void)state;
    fed_labels_t labels = any_labels(200, 4, 0);
    fed_config_t config, other;
    configure(&config, 5, 20, true);
    configure(&other, 5, 20, true);
    assert_true(same_partition(&config, &other, &labels));
    set(&other, "experiment.seed", "2");
    assert_false(same_partition(&config, &other, &labels));
    fed_config_fini(&config);
    fed_config_fini(&other);
    free_labels(&labels);
}

static void assert_refused(size_t clients, size_t samples, bool stratified,
                           const fed_labels_t *labels, const char *message) {
    fed_config_t config;
    fed_partition_t partition;
    configure(&config, clients, samples, stratified);
    assert_fails(FED_INPUT, message, fed_partition_init(&partition, &config, labels));
    fed_partition_fini(&partition);
    fed_config_fini(&config);
}

static void more_than_there_is_is_refused(void **state) {
    (void)state;
    static const int32_t few[] = {0, 0, 0, 0, 0, 0, 1, 1};
    fed_labels_t labels = {.labels = few, .count = 8, .classes = 2};
    assert_refused(
        9, 0, true, &labels,
        "partition.clients = 9: the training set has 8 samples, fewer than one a client");
    assert_refused(3, 3, false, &labels,
                   "partition.samples_per_client = 3: 3 clients need 9 samples, the training set "
                   "has 8; 0 shares everything out");
    assert_refused(3, 2, true, &labels,
                   "3 clients with the same count of every class need 3 samples of class 1, the "
                   "training set has 2; fewer clients or samples, or partition.stratified = false");
    assert_refused(1, 100000000, false, &labels, "1 clients need 100000000 samples");
    fed_config_t config;
    fed_partition_t partition;
    configure(&config, 2, 4, false); /* all there is */
    assert_ok(fed_partition_init(&partition, &config, &labels));
    assert_int_equal(check_disjoint(&partition, &labels), 8);
    fed_partition_fini(&partition);
    assert_fails(FED_INPUT, "partition.scheme = iidd: accepted is iid",
                 fed_config_override(&config, "partition.scheme=iidd"));
    fed_config_fini(&config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(everything_is_shared_out),      TEST(everybody_gets_what_was_asked_for),
        TEST(the_studys_partition_is_exact), TEST(the_seed_decides),
        TEST(more_than_there_is_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
