/* One suite over all partition schemes, then each against its closed form. */
#include "fedmpi/core/memory.h"
#include "fedmpi/data/partition.h"
#include "fedmpi/run/rooms.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A training set of `classes` unequal classes in a scrambled order. */
static fed_labels_t make_labels(size_t count, size_t classes) {
    int32_t *labels = FED_NEW_ARRAY(int32_t, count);
    for (size_t i = 0; i < count; i++) {
        uint32_t scrambled = (uint32_t)(i + 1) * 2654435761u >> 8;
        labels[i] = (int32_t)(scrambled % (classes + 2));
        if ((size_t)labels[i] >= classes)
            labels[i] = 0; /* the first class has three parts */
    }
    int32_t *client_of = FED_NEW_ARRAY(int32_t, count);
    for (size_t i = 0; i < count; i++)
        client_of[i] = (int32_t)((i * i + 3 * i) % 13);
    for (size_t i = 0; i < 13 && i < count; i++)
        client_of[i] = (int32_t)i; /* so that each is there */
    return (fed_labels_t){
        .labels = labels, .count = count, .classes = classes, .client_of = client_of};
}

static void free_labels(fed_labels_t labels) {
    fed_free((void *)labels.labels);
    fed_free((void *)labels.client_of);
}

/* The same number of samples in every class. */
static fed_labels_t make_equal_labels(size_t count, size_t classes) {
    fed_labels_t made = make_labels(count, classes);
    for (size_t i = 0; i < count; i++)
        ((int32_t *)made.labels)[i] = (int32_t)(i % classes);
    return made;
}

/* Deal with these settings: "scheme=shards alpha=1" and so on, all of [partition]. */
static fed_status_t deal(const char *settings, int seed, const fed_labels_t *labels,
                         fed_partition_t *partition) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    assert_int_equal(fed_config_set(&config, "experiment", "seed", text, "test"), FED_OK);
    char copy[512];
    snprintf(copy, sizeof copy, "%s", settings);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        FED_AUTOFREE char *assignment = fed_format("partition.%s", word);
        assert_int_equal(fed_config_override(&config, assignment), FED_OK);
    }
    fed_status_t status = fed_partition_init(partition, &config, labels);
    fed_config_fini(&config);
    return status;
}

static fed_partition_t dealt(const char *settings, int seed, const fed_labels_t *labels) {
    fed_partition_t partition;
    if (deal(settings, seed, labels, &partition) != FED_OK)
        fail_msg("%s: %s", settings, fed_error_message());
    return partition;
}

static int64_t *count_labels(const fed_partition_t *partition, const fed_labels_t *labels) {
    int64_t *counts = FED_NEW_ARRAY(int64_t, partition->clients * labels->classes);
    fed_partition_label_counts(partition, labels, counts);
    return counts;
}

/* --- All schemes ------------------------------------------------------------------------ */

/* No sample twice, none outside, each list ascending, no client empty. */
static void check_disjoint(const fed_partition_t *partition, size_t count) {
    FED_AUTOFREE char *seen = FED_NEW_ARRAY(char, count);
    for (size_t k = 0; k < partition->clients; k++) {
        size_t own;
        const uint32_t *samples = fed_partition_samples(partition, k, &own);
        assert_true(own > 0);
        for (size_t i = 0; i < own; i++) {
            assert_true(samples[i] < count && !seen[samples[i]]++);
            assert_true(i == 0 || samples[i - 1] < samples[i]);
        }
    }
}

static bool same(const fed_partition_t *a, const fed_partition_t *b) {
    return a->clients == b->clients &&
           memcmp(a->first, b->first, (a->clients + 1) * sizeof *a->first) == 0 &&
           memcmp(a->samples, b->samples, fed_partition_total(a) * sizeof *a->samples) == 0;
}

static void check_scheme(const char *settings, const fed_labels_t *labels, size_t clients,
                         size_t total, bool random) {
    fed_partition_t partition = dealt(settings, 1, labels), again = dealt(settings, 1, labels);
    fed_partition_t other = dealt(settings, 2, labels);
    assert_int_equal(partition.clients, clients);
    assert_int_equal(fed_partition_total(&partition), total);
    check_disjoint(&partition, labels->count);
    assert_true(same(&partition, &again));
    assert_true(same(&partition, &other) == !random);
    fed_partition_fini(&partition);
    fed_partition_fini(&again);
    fed_partition_fini(&other);
}

/* Schemes whose partition the data dictate. */
static bool is_given(const char *scheme) {
    return strcmp(scheme, "natural") == 0 || strcmp(scheme, "file") == 0;
}

static void test_every_scheme(void **state) {
    (void)state;
    for (size_t s = 0; s < fed_partition_schemes.count; s++) {
        const char *scheme = fed_partition_schemes.entries[s]->name;
        bool given = is_given(scheme);
        fed_labels_t labels = make_labels(3001, 7);
        FED_AUTOFREE char *everything = fed_format(
            "scheme=%s clients=13 samples_per_client=0 stratified=false min_samples=5", scheme);
        check_scheme(everything, &labels, 13, 3001, !given);
        FED_AUTOFREE char *part =
            fed_format("scheme=%s clients=13 samples_per_client=50 stratified=false", scheme);
        FED_AUTOFREE char *one =
            fed_format("scheme=%s clients=1 samples_per_client=0 stratified=false", scheme);
        if (!given) {
            check_scheme(part, &labels, 13, 13 * 50, true);
            check_scheme(one, &labels, 1, 3001, false);
        }
        free_labels(labels);
    }
    assert_int_equal(fed_memory_live(), 0);
}

/* --- Clients that the data name ----------------------------------------------------------- */

static void test_natural_groups(void **state) {
    (void)state;
    int32_t classes[] = {0, 1, 0, 1, 0, 1, 0, 1}, writers[] = {70, 3, 70, 900, 3, 3, 70, 70};
    fed_labels_t labels = {.labels = classes, .count = 8, .classes = 2, .client_of = writers};
    static const uint32_t all[] = {1, 4, 5, 0, 2, 6, 7, 3}, first_two_of_two[] = {1, 4, 0, 2};
    fed_partition_t partition = dealt("scheme=natural clients=0 samples_per_client=0", 1, &labels);
    assert_int_equal(partition.clients, 3);
    assert_int_equal(fed_partition_total(&partition), 8);
    assert_memory_equal(partition.samples, all, sizeof all);
    fed_partition_fini(&partition);
    partition = dealt("scheme=natural clients=2 samples_per_client=2", 1, &labels);
    assert_int_equal(partition.clients, 2);
    assert_int_equal(fed_partition_total(&partition), 4);
    assert_memory_equal(partition.samples, first_two_of_two, sizeof first_two_of_two);
    fed_partition_fini(&partition);
    assert_int_equal(deal("scheme=natural clients=4", 1, &labels, &partition), FED_INPUT);
    fed_partition_fini(&partition);
    labels.client_of = NULL;
    assert_int_equal(deal("scheme=natural", 1, &labels, &partition), FED_INPUT);
    fed_partition_fini(&partition);
}

static void test_file_leaves_out_and_is_dense(void **state) {
    (void)state;
    int32_t classes[] = {0, 1, 0, 1, 0}, client_of[] = {1, -1, 0, 1, -1};
    fed_labels_t labels = {.labels = classes, .count = 5, .classes = 2, .client_of = client_of};
    static const uint32_t expected[] = {2, 0, 3};
    fed_partition_t partition = dealt("scheme=file clients=0 samples_per_client=0", 1, &labels);
    assert_int_equal(partition.clients, 2);
    assert_int_equal(fed_partition_total(&partition), 3);
    assert_memory_equal(partition.samples, expected, sizeof expected);
    fed_partition_fini(&partition);
    client_of[2] = 2; /* now nobody has number 0 */
    assert_int_equal(deal("scheme=file clients=0", 1, &labels, &partition), FED_INPUT);
    assert_non_null(strstr(fed_error_message(), "client 0 has no sample, but client 1 has"));
    fed_partition_fini(&partition);
}

/* --- More than the data have --------------------------------------------------------------- */

static void test_more_than_there_is(void **state) {
    (void)state;
    static const char *const schemes[] = {"iid", "dirichlet", "shards", "quantity"};
    fed_labels_t labels = make_labels(100, 3);
    for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++) {
        FED_AUTOFREE char *many = fed_format("scheme=%s clients=101", schemes[s]);
        FED_AUTOFREE char *large =
            fed_format("scheme=%s clients=10 samples_per_client=11", schemes[s]);
        FED_AUTOFREE char *none = fed_format("scheme=%s clients=0", schemes[s]);
        const char *settings[] = {many, large, none};
        static const char *const keys[] = {"partition.clients", "partition.samples_per_client",
                                           "partition.clients"};
        for (size_t i = 0; i < 3; i++) {
            fed_partition_t partition;
            assert_int_equal(deal(settings[i], 1, &labels, &partition), FED_INPUT);
            assert_non_null(strstr(fed_error_message(), keys[i]));
            fed_partition_fini(&partition);
        }
    }
    fed_partition_t partition;
    assert_int_equal(deal("scheme=quantity clients=20 samples_per_client=0 min_samples=6", 1,
                          &labels, &partition),
                     FED_INPUT);
    assert_non_null(strstr(fed_error_message(), "partition.min_samples"));
    fed_partition_fini(&partition);
    assert_int_equal(deal("scheme=shards clients=20 samples_per_client=0 shards_per_client=6", 1,
                          &labels, &partition),
                     FED_INPUT);
    fed_partition_fini(&partition);
    free_labels(labels);
}

/* --- Dirichlet -------------------------------------------------------------------------- */

/* With n samples of a client from q ~ Dir(alpha / C each), the variance of a class's share
 * is v + (m (1 - m) - v) / n, v = m (1 - m) / (alpha + 1), m = 1 / C. Few clients of a
 * large supply, so that no class runs out. */
static void test_client_mixture_moments(void **state) {
    (void)state;
    const size_t classes = 4, clients = 2000, each = 20;
    fed_labels_t labels = make_equal_labels(400000, classes);
    static const double alphas[] = {0.3, 2, 50};
    for (size_t a = 0; a < 3; a++) {
        FED_AUTOFREE char *settings =
            fed_format("scheme=dirichlet clients=%zu samples_per_client=%zu alpha=%g", clients,
                       each, alphas[a]);
        fed_partition_t partition = dealt(settings, 1, &labels);
        FED_AUTOFREE int64_t *counts = count_labels(&partition, &labels);
        double sum = 0, squares = 0, cells = (double)(clients * classes), mean = 0.25;
        for (size_t k = 0; k < clients; k++) {
            int64_t own = 0;
            for (size_t c = 0; c < classes; c++)
                own += counts[k * classes + c];
            assert_int_equal(own, each);
        }
        for (size_t i = 0; i < clients * classes; i++) {
            double share = (double)counts[i] / (double)each;
            sum += share / cells;
            squares += (share - mean) * (share - mean) / cells;
        }
        double spread = mean * (1 - mean), within = spread / (alphas[a] + 1);
        double expected = within + (spread - within) / (double)each;
        assert_true(fabs(sum - mean) < 1e-12); /* rows sum up to 1 */
        assert_true(fabs(squares - expected) < 0.06 * expected);
        fed_partition_fini(&partition);
    }
    free_labels(labels);
}

/* A class's shares over K clients are Dir(alpha, ...): mean 1/K, variance
 * (K - 1) / (K^2 (K alpha + 1)). */
static void test_class_split_moments(void **state) {
    (void)state;
    const size_t classes = 200, clients = 10, of_class = 2000;
    fed_labels_t labels = make_equal_labels(classes * of_class, classes);
    static const double alphas[] = {0.1, 1, 20};
    for (size_t a = 0; a < 3; a++) {
        FED_AUTOFREE char *settings = fed_format(
            "scheme=dirichlet dirichlet_form=class_split clients=%zu "
            "samples_per_client=0 alpha=%g min_samples=1",
            clients, alphas[a]);
        fed_partition_t partition = dealt(settings, 1, &labels);
        FED_AUTOFREE int64_t *counts = count_labels(&partition, &labels);
        double squares = 0;
        for (size_t i = 0; i < clients * classes; i++) {
            double off = (double)counts[i] / (double)of_class - 0.1;
            squares += off * off / (double)(clients * classes);
        }
        double expected = 9 / (100 * (10 * alphas[a] + 1));
        assert_true(fabs(squares - expected) < 0.1 * expected);
        fed_partition_fini(&partition);
    }
    free_labels(labels);
}

static void test_minimum_is_kept(void **state) {
    (void)state;
    fed_labels_t labels = make_labels(5000, 10);
    static const char *const settings[] = {
        "scheme=dirichlet dirichlet_form=class_split alpha=0.01 clients=100 min_samples=50 "
        "samples_per_client=0",
        "scheme=quantity quantity_sigma=4 clients=100 min_samples=17 samples_per_client=0",
        "scheme=quantity quantity_law=power quantity_exponent=0.3 clients=100 min_samples=17 "
        "samples_per_client=0",
    };
    static const size_t minimum[] = {50, 17, 17};
    for (size_t s = 0; s < 3; s++) {
        fed_partition_t partition = dealt(settings[s], 1, &labels);
        size_t smallest = SIZE_MAX, own;
        for (size_t k = 0; k < partition.clients; k++) {
            fed_partition_samples(&partition, k, &own);
            smallest = own < smallest ? own : smallest;
        }
        assert_int_equal(smallest, minimum[s]);
        check_disjoint(&partition, labels.count);
        assert_int_equal(fed_partition_total(&partition), labels.count);
        fed_partition_fini(&partition);
    }
    free_labels(labels);
}

/* --- Shards ------------------------------------------------------------------------------ */

/* Equal classes that are a whole number of shards: a shard has one label, so a client has
 * at most shards_per_client, and each class is in exactly its number of shards. */
static void test_shards_have_one_label(void **state) {
    (void)state;
    fed_labels_t labels = make_equal_labels(6000, 10);
    for (size_t each = 1; each <= 4; each++) {
        FED_AUTOFREE char *settings =
            fed_format("scheme=shards clients=50 samples_per_client=0 shards_per_client=%zu", each);
        fed_partition_t partition = dealt(settings, 1, &labels);
        FED_AUTOFREE int64_t *counts = count_labels(&partition, &labels);
        const int64_t shard = 120 / (int64_t)each;
        for (size_t k = 0; k < 50; k++) {
            int64_t own = 0;
            for (size_t c = 0; c < 10; c++) {
                assert_int_equal(counts[k * 10 + c] % shard, 0);
                own += counts[k * 10 + c] / shard;
            }
            assert_int_equal(own, each);
        }
        fed_partition_fini(&partition);
    }
    free_labels(labels);
}

/* Two shards of 1/10 of the classes each: both of one class with probability 19/199 at
 * 100 clients and 200 shards, as 19 of the other 199 shards have the first one's label. */
static void test_shards_are_paired_at_random(void **state) {
    (void)state;
    fed_labels_t labels = make_equal_labels(2000, 10);
    double single = 0;
    for (int seed = 1; seed <= 200; seed++) {
        fed_partition_t partition =
            dealt("scheme=shards clients=100 samples_per_client=0", seed, &labels);
        FED_AUTOFREE int64_t *counts = count_labels(&partition, &labels);
        for (size_t i = 0; i < 1000; i++)
            single += counts[i] == 20;
        fed_partition_fini(&partition);
    }
    double p = 19.0 / 199, draws = 200 * 100;
    assert_true(fabs(single / draws - p) < 5 * sqrt(p * (1 - p) / draws));
    free_labels(labels);
}

/* --- Quantity ---------------------------------------------------------------------------- */

/* Shares are proportional to the law's draws, so logarithms of sizes have its deviation:
 * sigma, and 1/a for the Pareto law, whose logarithm is exponential. */
static void test_quantity_spread(void **state) {
    (void)state;
    fed_labels_t labels = make_equal_labels(2000000, 2);
    static const char *const settings[] = {
        "scheme=quantity clients=2000 samples_per_client=0 min_samples=1 quantity_sigma=0.7",
        "scheme=quantity clients=2000 samples_per_client=0 min_samples=1 quantity_law=power "
        "quantity_exponent=2.5",
    };
    static const double deviations[] = {0.7, 0.4}, skewness[] = {0, 2};
    for (size_t s = 0; s < 2; s++) {
        fed_partition_t partition = dealt(settings[s], 1, &labels);
        double sum = 0, squares = 0, cubes = 0;
        for (size_t k = 0; k < 2000; k++)
            sum += log((double)(partition.first[k + 1] - partition.first[k])) / 2000;
        for (size_t k = 0; k < 2000; k++) {
            double off = log((double)(partition.first[k + 1] - partition.first[k])) - sum;
            squares += off * off / 2000;
            cubes += off * off * off / 2000;
        }
        assert_true(fabs(sqrt(squares) - deviations[s]) < 0.08 * deviations[s]);
        assert_true(fabs(cubes / pow(squares, 1.5) - skewness[s]) < 0.5);
        fed_partition_fini(&partition);
    }
    free_labels(labels);
}

/* --- Skew -------------------------------------------------------------------------------- */

static void test_skew_by_hand(void **state) {
    (void)state;
    /* Everybody's distribution is (10, 10, 20) / 40. */
    const int64_t counts[] = {10, 0, 0, 0, 10, 10, 0, 0, 10};
    fed_partition_row_t rows[3];
    fed_partition_skew(3, 3, counts, rows);
    assert_int_equal(rows[1].client, 1);
    assert_int_equal(rows[1].samples, 20);
    assert_true(fabs(rows[0].emd - (0.75 + 0.25 + 0.5)) < 1e-12);
    assert_true(fabs(rows[1].emd - (0.25 + 0.25 + 0)) < 1e-12);
    assert_true(fabs(rows[2].emd - (0.25 + 0.25 + 0.5)) < 1e-12);
    assert_true(fabs(rows[0].effective_classes - 1) < 1e-12);
    assert_true(fabs(rows[1].effective_classes - 2) < 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_scheme),
        cmocka_unit_test(test_natural_groups),
        cmocka_unit_test(test_file_leaves_out_and_is_dense),
        cmocka_unit_test(test_more_than_there_is),
        cmocka_unit_test(test_client_mixture_moments),
        cmocka_unit_test(test_class_split_moments),
        cmocka_unit_test(test_minimum_is_kept),
        cmocka_unit_test(test_shards_have_one_label),
        cmocka_unit_test(test_shards_are_paired_at_random),
        cmocka_unit_test(test_quantity_spread),
        cmocka_unit_test(test_skew_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
