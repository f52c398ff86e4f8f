/* Feature shifts, measured on decoded samples and held against their distributions. */
#include "support.h"

#include "fedmpi/data/transform.h"
#include "fedmpi/run/rooms.h"

#include <math.h>

enum { SIDE = 29, PIXELS = SIDE * SIDE, CLIENTS = 400, EACH = 2, HELD = CLIENTS * EACH };
enum { SAMPLES = HELD + 1 }; /* the last one is nobody's */

/* The same picture for everybody: a small disc right of the middle, on a background of 0. */
typedef struct fixture {
    fed_config_t config;
    fed_dataset_t data;
    fed_partition_t partition;
    fed_transform_t *transform;
    float *values;
    int32_t *labels;
    float scale, shift;
} fixture_t;

static double disc(size_t pixel) {
    double y = (double)(pixel / SIDE) - 14, x = (double)(pixel % SIDE) - 14 - 8;
    return exp(-(x * x + y * y) / 4);
}

static void build(fixture_t *f, const char *rotation, const char *intensity, const char *noise) {
    fed_config_init(&f->config, fed_rooms);
    set(&f->config, "partition.feature_rotation", "%s", rotation);
    set(&f->config, "partition.feature_intensity", "%s", intensity);
    set(&f->config, "partition.feature_noise", "%s", noise);
    f->values = FED_NEW_ARRAY(float, (size_t)SAMPLES *PIXELS);
    f->labels = FED_NEW_ARRAY(int32_t, SAMPLES);
    for (size_t i = 0; i < (size_t)SAMPLES * PIXELS; i++)
        f->values[i] = (float)disc(i % PIXELS);
    f->scale = 1;
    f->shift = 0;
    f->data = (fed_dataset_t){.channels = 1, .height = SIDE, .width = SIDE, .classes = 1};
    f->data.train = (fed_samples_t){
        .count = SAMPLES,
        .features = PIXELS,
        .channels = 1,
        .type = FED_VALUES_FLOAT32,
        .values = f->values,
        .labels = f->labels,
        .scale = &f->scale,
        .shift = &f->shift,
    };
    f->partition = (fed_partition_t){
        .clients = CLIENTS,
        .first = FED_NEW_ARRAY(size_t, CLIENTS + 1),
        .samples = FED_NEW_ARRAY(uint32_t, HELD),
    };
    for (size_t k = 0; k < CLIENTS; k++) {
        f->partition.first[k + 1] = EACH * (k + 1);
        for (size_t i = 0; i < EACH; i++) /* client k holds samples k and CLIENTS + k */
            f->partition.samples[EACH * k + i] = (uint32_t)(k + CLIENTS * i);
    }
    assert_ok(fed_transform_create(&f->config, &f->data, &f->partition, &f->transform));
    f->data.train.transform = f->transform;
}

static void take_down(fixture_t *f) {
    fed_transform_destroy(f->transform);
    fed_partition_fini(&f->partition);
    fed_free(f->values);
    fed_free(f->labels);
    fed_config_fini(&f->config);
}

static void decode(const fixture_t *f, uint32_t sample, float *x) {
    int32_t label;
    fed_samples_gather(&f->data.train, &sample, 1, x, &label);
}

/* Where the disc went: the angle of the picture's centre of mass. */
static double angle_of(const float *x, double *radius) {
    double mass = 0, up = 0, right = 0;
    for (size_t p = 0; p < PIXELS; p++) {
        mass += (double)x[p];
        up += (double)x[p] * ((double)(p / SIDE) - 14) * -1;
        right += (double)x[p] * ((double)(p % SIDE) - 14);
    }
    *radius = hypot(up, right) / mass;
    return atan2(up, right) * 180 / M_PI;
}

/* Angles are uniform in [-40, 40) degrees, distances to the middle stay. */
static void rotations_are_uniform(void **state) {
    (void)state;
    fixture_t f;
    float x[PIXELS], other[PIXELS];
    double sum = 0, squares = 0, largest = 0, radius;
    build(&f, "40", "0", "0");
    for (uint32_t k = 0; k < CLIENTS; k++) {
        decode(&f, k, x);
        decode(&f, CLIENTS + k, other);
        assert_memory_equal(x, other, sizeof x); /* all of a client's are turned alike */
        double angle = angle_of(x, &radius);
        assert_true(fabs(radius - 8) < 0.02);
        sum += angle / CLIENTS;
        squares += angle * angle / CLIENTS;
        largest = fmax(largest, fabs(angle));
    }
    double variance = 40.0 * 40 / 3;
    assert_true(fabs(sum) < 5 * sqrt(variance / CLIENTS));
    assert_true(fabs(squares - variance) < 5 * variance * sqrt(0.8 / CLIENTS));
    assert_true(largest > 39 && largest < 40.1);
    take_down(&f);
}

/* Factors are uniform in [0.7, 1.3). */
static void intensities_are_uniform(void **state) {
    (void)state;
    fixture_t f;
    float x[PIXELS];
    double sum = 0, squares = 0, middle = disc(PIXELS / 2 + 8);
    build(&f, "0", "0.3", "0");
    for (uint32_t k = 0; k < CLIENTS; k++) {
        decode(&f, k, x);
        double factor = (double)x[PIXELS / 2 + 8] / middle;
        for (size_t p = 0; p < PIXELS; p++)
            assert_true(fabs((double)x[p] - factor * disc(p)) < 1e-6);
        assert_true(fabs(factor - 1) <= 0.3 + 1e-6);
        sum += (factor - 1) / CLIENTS;
        squares += (factor - 1) * (factor - 1) / CLIENTS;
    }
    assert_true(fabs(sum) < 5 * sqrt(0.03 / CLIENTS));
    assert_true(fabs(squares - 0.03) < 5 * 0.03 * sqrt(0.8 / CLIENTS));
    take_down(&f);
}

/* Client k of K has the deviation 2 k / K, each sample its own noise, each time the same. */
static void noise_grows_with_the_client(void **state) {
    (void)state;
    fixture_t f;
    float x[PIXELS], again[PIXELS], other[PIXELS];
    build(&f, "0", "0", "2");
    for (uint32_t k = 0; k < CLIENTS; k += 19) {
        double sum = 0, squares = 0, together = 0, deviation = 2.0 * (k + 1) / CLIENTS;
        decode(&f, k, x);
        decode(&f, CLIENTS + k, other);
        decode(&f, k, again);
        assert_memory_equal(x, again, sizeof x);
        for (size_t p = 0; p < PIXELS; p++) {
            double off = ((double)x[p] - disc(p)) / deviation;
            sum += off / PIXELS;
            squares += off * off / PIXELS;
            together += off * ((double)other[p] - disc(p)) / deviation / PIXELS;
        }
        assert_true(fabs(sum) < 5 / sqrt(PIXELS));
        assert_true(fabs(squares - 1) < 5 * sqrt(2.0 / PIXELS));
        assert_true(fabs(together) < 5 / sqrt(PIXELS));
    }
    take_down(&f);
}

static void nobodys_samples_stay(void **state) {
    (void)state;
    fixture_t f;
    float x[PIXELS];
    build(&f, "90", "1", "1");
    decode(&f, SAMPLES - 1, x);
    assert_memory_equal(x, f.values, sizeof x);
    decode(&f, 0, x);
    assert_memory_not_equal(x, f.values, sizeof x);
    take_down(&f);
}

/* What lies outside a turned picture is what a stored 0 is decoded to. */
static void corners_are_background(void **state) {
    (void)state;
    fixture_t f;
    float x[PIXELS];
    build(&f, "180", "0", "0");
    f.shift = -7;
    f.scale = 0; /* a picture of background only */
    for (uint32_t k = 0; k < 20; k++) {
        decode(&f, k, x);
        for (size_t p = 0; p < PIXELS; p++)
            assert_true(fabs((double)x[p] + 7) < 1e-5);
    }
    take_down(&f);
}

static void nothing_to_change_is_refused(void **state) {
    (void)state;
    fed_config_t config;
    fed_dataset_t row = {.channels = 1, .height = 1, .width = 9};
    fed_partition_t partition = {.clients = 1};
    fed_transform_t *transform;
    fed_config_init(&config, fed_rooms);
    assert_fails(FED_INPUT, "partition.feature_rotation = 30: the samples are no images",
                 fed_transform_create(&config, &row, &partition, &transform));
    set(&config, "partition.feature_rotation", "0");
    assert_fails(FED_INPUT, "needs a rotation, an intensity or noise above 0",
                 fed_transform_create(&config, &row, &partition, &transform));
    fed_config_fini(&config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(rotations_are_uniform),       TEST(intensities_are_uniform),
        TEST(noise_grows_with_the_client), TEST(nobodys_samples_stay),
        TEST(corners_are_background),      TEST(nothing_to_change_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
