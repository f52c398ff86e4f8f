/* Data sets: files that fit together, cleaning, normalisation, validation samples. */
#include "idx_files.h"

#include "fedmpi/data/dataset.h"
#include "fedmpi/io/arrays.h"
#include "fedmpi/run/rooms.h"

#include <math.h>
#include <sys/stat.h>

enum { TRAIN = 12, TEST_COUNT = 5, HEIGHT = 2, WIDTH = 3, FEATURES = HEIGHT * WIDTH };

/* What the files hold: floats, or bytes when `floats` is not set. */
typedef struct content {
    bool floats;
    float train[TRAIN][FEATURES], test[TEST_COUNT][FEATURES];
    unsigned char train_labels[TRAIN], test_labels[TEST_COUNT];
} content_t;

static content_t any_content(bool floats) {
    content_t content = {.floats = floats};
    float *values = &content.train[0][0];
    for (size_t i = 0; i < (size_t)(TRAIN + TEST_COUNT) * FEATURES; i++)
        *(i < TRAIN * FEATURES ? values + i : &content.test[0][0] + i - TRAIN * FEATURES) =
            floats ? (float)(any_number() * 3 + 1) : (float)any_below(256);
    for (size_t i = 0; i < TRAIN; i++)
        content.train_labels[i] = (unsigned char)(i % 4);
    for (size_t i = 0; i < TEST_COUNT; i++)
        content.test_labels[i] = (unsigned char)(i % 3);
    return content;
}

static bytes_t image_bytes(bool floats, const float *values, uint32_t count) {
    bytes_t bytes = idx_header(floats ? 0x0d : 0x08, 3, (uint32_t[]){count, HEIGHT, WIDTH});
    for (size_t i = 0; i < count * (size_t)FEATURES; i++)
        if (floats)
            put_float(&bytes, values[i]);
        else
            bytes.at[bytes.count++] = (unsigned char)values[i];
    return bytes;
}

static bytes_t label_bytes(const unsigned char *labels, uint32_t count) {
    bytes_t bytes = idx_header(0x08, 1, &count);
    memcpy(bytes.at + bytes.count, labels, count);
    bytes.count += count;
    return bytes;
}

static const char *folder(void) {
    const char *path = path_of("data");
    mkdir(path, 0777);
    return path;
}

static void write_content(const content_t *content) {
    folder();
    bytes_t train = image_bytes(content->floats, &content->train[0][0], TRAIN);
    bytes_t test = image_bytes(content->floats, &content->test[0][0], TEST_COUNT);
    bytes_t train_labels = label_bytes(content->train_labels, TRAIN);
    bytes_t test_labels = label_bytes(content->test_labels, TEST_COUNT);
    write_bytes("data/train-images-idx3-ubyte", &train);
    write_bytes("data/train-labels-idx1-ubyte", &train_labels);
    write_bytes("data/t10k-images-idx3-ubyte", &test);
    write_bytes("data/t10k-labels-idx1-ubyte", &test_labels);
}

/* A data set in memory: measured, filled, attached. */
typedef struct loaded {
    fed_config_t config;
    void *block;
    fed_dataset_t data;
} loaded_t;

static void begin(loaded_t *loaded) {
    *loaded = (loaded_t){.block = NULL};
    fed_config_init(&loaded->config, fed_rooms);
    set(&loaded->config, "data.dataset", "idx");
    set(&loaded->config, "data.path", "%s", folder());
}

static fed_status_t load(loaded_t *loaded) {
    fed_dataset_shape_t shape;
    FED_TRY(fed_dataset_measure(&loaded->config, &fed_hdf5_arrays, &shape));
    loaded->block = fed_alloc(fed_dataset_block_bytes(&shape), 1);
    FED_TRY(fed_dataset_fill(&loaded->config, &fed_hdf5_arrays, &shape, loaded->block));
    loaded->data = fed_dataset_attach(&loaded->config, loaded->block);
    return FED_OK;
}

static void end(loaded_t *loaded) {
    fed_free(loaded->block);
    fed_config_fini(&loaded->config);
}

/* Load fails with this message. */
static void assert_refused(const char *key_values, const char *message) {
    loaded_t loaded;
    begin(&loaded);
    if (*key_values)
        assert_ok(fed_config_override(&loaded.config, key_values));
    assert_fails(FED_INPUT, message, load(&loaded));
    end(&loaded);
}

static void assert_values(const fed_samples_t *samples, const double *expected) {
    float x[TRAIN * FEATURES];
    int32_t labels[TRAIN];
    fed_samples_slice(samples, 0, samples->count, x, labels);
    for (size_t i = 0; i < samples->count * samples->features; i++)
        if (!(fabs((double)x[i] - expected[i]) <= 2e-6 * (1 + fabs(expected[i]))))
            fail_msg("value %zu is %.9g, not %.9g", i, (double)x[i], expected[i]);
}

static void bytes_become_fractions(void **state) {
    (void)state;
    content_t content = any_content(false);
    write_content(&content);
    loaded_t loaded;
    begin(&loaded);
    assert_ok(load(&loaded));
    const fed_dataset_t *data = &loaded.data;
    assert_int_equal(data->train.count, TRAIN);
    assert_int_equal(data->test.count, TEST_COUNT);
    assert_int_equal(data->validation.count, 0);
    assert_int_equal(data->classes, 4);
    assert_int_equal(data->height, HEIGHT);
    assert_int_equal(data->width, WIDTH);
    assert_int_equal(data->channels, 1);
    assert_int_equal(data->dropped_samples + data->dropped_features, 0);
    double expected[TRAIN * FEATURES];
    for (size_t i = 0; i < TRAIN * FEATURES; i++)
        expected[i] = (double)(&content.train[0][0])[i] / 255;
    assert_values(&data->train, expected);
    for (size_t i = 0; i < TRAIN; i++)
        assert_int_equal(data->train.labels[i], content.train_labels[i]);
    end(&loaded);
}

static void samples_are_gathered_by_index(void **state) {
    (void)state;
    content_t content = any_content(false);
    write_content(&content);
    loaded_t loaded;
    begin(&loaded);
    assert_ok(load(&loaded));
    static const uint32_t index[] = {7, 0, 7, 11};
    float x[4 * FEATURES], one[FEATURES];
    int32_t labels[4], label;
    fed_samples_gather(&loaded.data.train, index, 4, x, labels);
    for (size_t i = 0; i < 4; i++) {
        fed_samples_slice(&loaded.data.train, index[i], 1, one, &label);
        assert_memory_equal(x + i * FEATURES, one, sizeof one);
        assert_int_equal(labels[i], label);
    }
    end(&loaded);
}

static void standard_is_mean_0_deviation_1_of_the_training_part(void **state) {
    (void)state;
    for (int floats = 0; floats < 2; floats++) {
        content_t content = any_content(floats);
        write_content(&content);
        loaded_t loaded;
        begin(&loaded);
        set(&loaded.config, "data.normalize", "standard");
        set(&loaded.config, "data.validation_samples", "3");
        assert_ok(load(&loaded));
        size_t count = (size_t)(TRAIN - 3) * FEATURES;
        double mean = 0, squares = 0, train[TRAIN * FEATURES], test[TEST_COUNT * FEATURES];
        for (size_t i = 0; i < count; i++)
            mean += (double)(&content.train[0][0])[i] / (double)count;
        for (size_t i = 0; i < count; i++)
            squares += pow((double)(&content.train[0][0])[i] - mean, 2) / (double)count;
        for (size_t i = 0; i < TRAIN * FEATURES; i++)
            train[i] = ((double)(&content.train[0][0])[i] - mean) / sqrt(squares);
        for (size_t i = 0; i < TEST_COUNT * FEATURES; i++)
            test[i] = ((double)(&content.test[0][0])[i] - mean) / sqrt(squares);
        assert_values(&loaded.data.train, train);
        assert_values(&loaded.data.validation, train + count);
        assert_values(&loaded.data.test, test);
        end(&loaded);
    }
}

static void floats_stay_as_they_are(void **state) {
    (void)state;
    static const char *const kept[] = {"unit", "none"};
    content_t content = any_content(true);
    write_content(&content);
    for (size_t k = 0; k < 2; k++) {
        loaded_t loaded;
        begin(&loaded);
        set(&loaded.config, "data.normalize", "%s", kept[k]);
        assert_ok(load(&loaded));
        float x[TRAIN * FEATURES];
        int32_t labels[TRAIN];
        fed_samples_slice(&loaded.data.train, 0, TRAIN, x, labels);
        assert_memory_equal(x, content.train, sizeof content.train);
        end(&loaded);
    }
}

static void constant_pixels_normalise_to_zero(void **state) {
    (void)state;
    content_t content = any_content(false);
    for (size_t i = 0; i < TRAIN * FEATURES; i++)
        (&content.train[0][0])[i] = 7;
    write_content(&content);
    loaded_t loaded;
    begin(&loaded);
    set(&loaded.config, "data.normalize", "standard");
    assert_ok(load(&loaded));
    const double zeros[TRAIN * FEATURES] = {0};
    assert_values(&loaded.data.train, zeros);
    end(&loaded);
}

static void samples_with_missing_values_are_dropped(void **state) {
    (void)state;
    content_t content = any_content(true);
    content.train[0][5] = NAN;
    content.train[4][0] = INFINITY;
    content.train[11][2] = -INFINITY;
    content.test[2][3] = NAN;
    write_content(&content);
    loaded_t loaded;
    begin(&loaded);
    set(&loaded.config, "data.validation_samples", "2");
    assert_ok(load(&loaded));
    const fed_dataset_t *data = &loaded.data;
    assert_int_equal(data->dropped_samples, 4);
    assert_int_equal(data->train.count, TRAIN - 3 - 2);
    assert_int_equal(data->validation.count, 2);
    assert_int_equal(data->test.count, TEST_COUNT - 1);
    static const size_t kept[] = {1, 2, 3, 5, 6, 7, 8, 9, 10}, kept_test[] = {0, 1, 3, 4};
    float x[FEATURES];
    int32_t label;
    for (size_t i = 0; i < 9; i++) {
        const fed_samples_t *part = i < 7 ? &data->train : &data->validation;
        fed_samples_slice(part, i < 7 ? i : i - 7, 1, x, &label);
        assert_memory_equal(x, content.train[kept[i]], sizeof x);
        assert_int_equal(label, content.train_labels[kept[i]]);
    }
    for (size_t i = 0; i < 4; i++) {
        fed_samples_slice(&data->test, i, 1, x, &label);
        assert_memory_equal(x, content.test[kept_test[i]], sizeof x);
        assert_int_equal(label, content.test_labels[kept_test[i]]);
    }
    end(&loaded);
}

static void cleaning_may_leave_too_few(void **state) {
    (void)state;
    content_t content = any_content(true);
    for (size_t i = 0; i < TRAIN - 1; i++)
        content.train[i][i % FEATURES] = NAN;
    write_content(&content);
    loaded_t loaded;
    begin(&loaded);
    assert_ok(load(&loaded));
    assert_int_equal(loaded.data.train.count, 1);
    end(&loaded);
    assert_refused("data.validation_samples=1", "after dropping 11 samples");
    content.train[TRAIN - 1][0] = NAN;
    write_content(&content);
    assert_refused("", "0 training and 5 test samples are left");
    content = any_content(true);
    for (size_t i = 0; i < TEST_COUNT; i++)
        content.test[i][0] = INFINITY;
    write_content(&content);
    assert_refused("", "12 training and 0 test samples are left");
}

static void constant_features_are_dropped_on_demand(void **state) {
    (void)state;
    for (int floats = 0; floats < 2; floats++) {
        content_t content = any_content(floats);
        for (size_t i = 0; i < TRAIN; i++) {
            content.train[i][1] = 3;
            content.train[i][4] = i == TRAIN - 1 ? 9.0F : 2.0F; /* differs only where held out */
        }
        write_content(&content);
        loaded_t loaded;
        begin(&loaded);
        set(&loaded.config, "data.drop_constant_features", "true");
        set(&loaded.config, "data.validation_samples", "1");
        set(&loaded.config, "data.normalize", "none");
        assert_ok(load(&loaded));
        const fed_dataset_t *data = &loaded.data;
        static const uint32_t kept[] = {0, 2, 3, 5};
        assert_int_equal(data->dropped_features, 2);
        assert_int_equal(data->train.features, 4);
        assert_memory_equal(data->feature_of_columns, kept, sizeof kept);
        assert_int_equal(data->channels * data->height * data->width, 4);
        float x[FEATURES];
        int32_t label;
        for (size_t i = 0; i < TRAIN - 1 + TEST_COUNT; i++) {
            bool train = i < TRAIN - 1;
            size_t row = train ? i : i - (TRAIN - 1);
            fed_samples_slice(train ? &data->train : &data->test, row, 1, x, &label);
            for (size_t f = 0; f < 4; f++)
                assert_true(x[f] == (train ? content.train : content.test)[row][kept[f]]);
        }
        end(&loaded);
    }
    content_t content = any_content(false);
    for (size_t i = 0; i < TRAIN * FEATURES; i++)
        (&content.train[0][0])[i] = 7;
    write_content(&content);
    assert_refused("data.drop_constant_features=true", "all 6 features are constant");
}

static void limits_are_applied_and_checked(void **state) {
    (void)state;
    content_t content = any_content(false);
    write_content(&content);
    loaded_t loaded;
    begin(&loaded);
    set(&loaded.config, "data.train_limit", "9");
    set(&loaded.config, "data.validation_samples", "8");
    assert_ok(load(&loaded));
    assert_int_equal(loaded.data.train.count, 1);
    assert_int_equal(loaded.data.validation.count, 8);
    assert_int_equal(loaded.data.validation.labels[7], content.train_labels[8]);
    assert_int_equal(loaded.data.train.labels[0], content.train_labels[0]);
    end(&loaded);
    assert_refused("data.train_limit=13",
                   "--set: data.train_limit = 13: the training set has 12 samples");
    assert_refused("data.validation_samples=12",
                   "--set: data.validation_samples = 12: leaves nothing to train on");
    begin(&loaded);
    assert_fails(FED_INPUT, "--set: data.dataset = nist: accepted is mnist | ",
                 fed_config_override(&loaded.config, "data.dataset=nist"));
    end(&loaded);
    assert_refused("data.path=/nowhere", "/nowhere: cannot open: No such file");
}

static void labels_must_be_classes_of_the_set(void **state) {
    (void)state;
    content_t content = any_content(false);
    content.train_labels[3] = 10;
    write_content(&content);
    assert_refused("data.dataset=mnist",
                   "train-labels-idx1-ubyte: sample 3 has label 10, accepted "
                   "is 0 to 9");
    loaded_t loaded;
    begin(&loaded); /* where the files say how many there are */
    assert_ok(load(&loaded));
    assert_int_equal(loaded.data.classes, 11);
    end(&loaded);
}

static void files_must_fit_together(void **state) {
    (void)state;
    content_t content = any_content(false);
    write_content(&content);
    bytes_t fewer = label_bytes(content.train_labels, TRAIN - 1);
    write_bytes("data/train-labels-idx1-ubyte", &fewer);
    assert_refused("", "train-images-idx3-ubyte holds 12 images");
    assert_non_null(strstr(fed_error_message(), "train-labels-idx1-ubyte holds 11 labels"));

    write_content(&content);
    bytes_t narrow = idx_header(0x08, 3, (uint32_t[]){TEST_COUNT, HEIGHT, 2});
    narrow.count += (size_t)TEST_COUNT * HEIGHT * 2;
    write_bytes("data/t10k-images-idx3-ubyte", &narrow);
    assert_refused("", "hold images of different shape or type");

    write_content(&content);
    bytes_t floats = image_bytes(true, &content.test[0][0], TEST_COUNT);
    write_bytes("data/t10k-images-idx3-ubyte", &floats);
    assert_refused("", "hold images of different shape or type");

    write_content(&content);
    bytes_t cube = idx_header(0x08, 3, (uint32_t[]){TRAIN, 1, 1});
    cube.count += TRAIN;
    write_bytes("data/train-labels-idx1-ubyte", &cube);
    assert_refused("", "train-labels-idx1-ubyte: labels must be one number each");

    write_content(&content);
    bytes_t flat = idx_header(0x08, 1, (uint32_t[]){TRAIN});
    flat.count += TRAIN;
    write_bytes("data/train-images-idx3-ubyte", &flat);
    assert_refused("", "train-images-idx3-ubyte: images must have 2 to 4 dimensions");
}

static void the_folder_holds_one_of_each(void **state) {
    (void)state;
    content_t content = any_content(false);
    write_content(&content);
    bytes_t wrong = idx_header(0x08, 1, (uint32_t[]){1});
    write_bytes("data/train-images-idx3-ubyte.gz", &wrong); /* the plain one is read */
    loaded_t loaded;
    begin(&loaded);
    assert_ok(load(&loaded));
    end(&loaded);
    unlink(path_of("data/train-images-idx3-ubyte.gz"));

    write_bytes("data/emnist-train-images-idx3-ubyte", &wrong);
    assert_refused("", "holds both ");
    unlink(path_of("data/emnist-train-images-idx3-ubyte"));

    unlink(path_of("data/t10k-labels-idx1-ubyte"));
    assert_refused("", "/data: no file named like t10k-labels-idx1-ubyte, plain or .gz");
}

static void density_counts_what_is_not_zero(void **state) {
    (void)state;
    content_t content = any_content(false);
    size_t nonzero = 0;
    for (size_t i = 0; i < TRAIN * FEATURES; i++) {
        (&content.train[0][0])[i] = i % 5 ? 0 : 9;
        nonzero += i % 5 == 0;
    }
    write_content(&content);
    loaded_t loaded;
    begin(&loaded);
    assert_ok(load(&loaded));
    assert_true(fabs(fed_samples_density(&loaded.data.train) -
                     (double)nonzero / (TRAIN * FEATURES)) < 1e-12);
    end(&loaded);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(bytes_become_fractions),
        TEST(samples_are_gathered_by_index),
        TEST(standard_is_mean_0_deviation_1_of_the_training_part),
        TEST(floats_stay_as_they_are),
        TEST(constant_pixels_normalise_to_zero),
        TEST(samples_with_missing_values_are_dropped),
        TEST(cleaning_may_leave_too_few),
        TEST(constant_features_are_dropped_on_demand),
        TEST(limits_are_applied_and_checked),
        TEST(labels_must_be_classes_of_the_set),
        TEST(files_must_fit_together),
        TEST(the_folder_holds_one_of_each),
        TEST(density_counts_what_is_not_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
