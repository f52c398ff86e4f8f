/* TensorFlow Federated's HDF5 files: NAME_train.h5 and NAME_test.h5, each with a group for
 * every client, /examples/CLIENT, in which are the samples (pixels or image) and label.
 * EMNIST by writers and CIFAR-100 come so. The clients are numbered in the order of their
 * groups' names; those of the test file do not matter. */
#include "sources.h"

#include "fedmpi/core/memory.h"
#include "named_arrays.h"

#include <string.h>

#define LABELS "/examples/*/label"

/* The two files while they are looked at. */
typedef struct pair {
    fed_array_input_t train, test;
    char *test_path;
    const char *samples; /* name of their arrays */
} pair_t;

static void pair_fini(pair_t *pair) {
    pair->train.arrays->close(pair->train.file);
    pair->train.arrays->close(pair->test.file);
    fed_free(pair->test_path);
}

/* The last "train" of the name as "test". */
static char *name_test(const char *train) {
    const char *last = NULL;
    for (const char *at = train; (at = strstr(at, "train")); at++)
        last = at;
    return last ? fed_format("%.*stest%s", (int)(last - train), train, last + strlen("train"))
                : NULL;
}

static fed_status_t find_samples(pair_t *pair) {
    static const char *const names[] = {"/examples/*/pixels", "/examples/*/image", "/examples/*/x"};
    fed_array_shape_t shape;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (pair->train.arrays->measure(pair->train.file, names[i], &shape) == FED_OK) {
            pair->samples = names[i];
            return FED_OK;
        }
    return fed_fail(FED_INPUT,
                    "%s: accepted is a group for each client, /examples/CLIENT, with label and "
                    "one of pixels, image and x",
                    pair->train.path);
}

static fed_status_t open_pair(const fed_config_t *config, const fed_array_format_t *arrays,
                              pair_t *pair) {
    *pair = (pair_t){.train = {.arrays = arrays, .path = fed_data_options(config)->path},
                     .test_path = name_test(fed_data_options(config)->path)};
    if (!pair->test_path)
        return fed_config_fail(config, "data.path",
                               "names the training file, NAME_train.h5, beside which NAME_test.h5 "
                               "is");
    pair->test = (fed_array_input_t){.arrays = arrays, .path = pair->test_path};
    FED_TRY(arrays->open(pair->train.path, &pair->train.file));
    FED_TRY(arrays->open(pair->test.path, &pair->test.file));
    return find_samples(pair);
}

static fed_status_t measure_pair(const fed_config_t *config, const pair_t *pair,
                                 fed_dataset_shape_t *shape) {
    fed_array_shape_t train, test;
    FED_TRY(fed_array_measure_samples(&pair->train, pair->samples, &train));
    FED_TRY(fed_array_measure_samples(&pair->test, pair->samples, &test));
    FED_TRY(fed_array_check_alike(&pair->train, pair->samples, &train, &pair->test, pair->samples,
                                  &test));
    FED_TRY(fed_array_check_labels(&pair->train, LABELS, train.sizes[0]));
    FED_TRY(fed_array_check_labels(&pair->test, LABELS, test.sizes[0]));
    *shape = (fed_dataset_shape_t){
        .train_count = train.sizes[0],
        .test_count = test.sizes[0],
        .type = train.kind == FED_ARRAY_OF_BYTES ? FED_VALUES_UINT8 : FED_VALUES_FLOAT32,
        .names_clients = true,
    };
    return fed_array_sample_shape(config, &pair->train, pair->samples, &train, shape);
}

/* The number of the group in which each sample is. */
static fed_status_t number_clients(const pair_t *pair, size_t count, int32_t *client_of) {
    FED_AUTOFREE size_t *sizes = NULL;
    size_t groups, at = 0;
    FED_TRY(pair->train.arrays->split(pair->train.file, LABELS, &sizes, &groups));
    for (size_t k = 0; k < groups; k++)
        for (size_t i = 0; i < sizes[k] && at < count; i++)
            client_of[at++] = (int32_t)k;
    if (at < count)
        return fed_fail(FED_INPUT, "%s: changed while it was read", pair->train.path);
    return FED_OK;
}

static fed_status_t read_pair(const pair_t *pair, const fed_dataset_shape_t *shape,
                              fed_raw_samples_t *train, fed_raw_samples_t *test) {
    fed_array_shape_t array;
    FED_TRY(fed_array_measure_samples(&pair->train, pair->samples, &array));
    FED_TRY(fed_array_read_samples(&pair->train, pair->samples, &array, shape, shape->train_count,
                                   train->values));
    FED_TRY(fed_array_read_samples(&pair->test, pair->samples, &array, shape, shape->test_count,
                                   test->values));
    FED_TRY(fed_array_read_labels(&pair->train, LABELS, shape->train_count, train->labels));
    FED_TRY(fed_array_read_labels(&pair->test, LABELS, shape->test_count, test->labels));
    return number_clients(pair, shape->train_count, train->client_of);
}

static fed_status_t measure(const fed_source_t *self, const fed_config_t *config,
                            const fed_array_format_t *arrays, fed_dataset_shape_t *shape) {
    (void)self;
    pair_t pair;
    fed_status_t status = open_pair(config, arrays, &pair);
    if (status == FED_OK)
        status = measure_pair(config, &pair, shape);
    pair_fini(&pair);
    return status;
}

static fed_status_t read_samples(const fed_source_t *self, const fed_config_t *config,
                                 const fed_array_format_t *arrays, const fed_dataset_shape_t *shape,
                                 fed_raw_samples_t *train, fed_raw_samples_t *test) {
    (void)self;
    pair_t pair;
    fed_status_t status = open_pair(config, arrays, &pair);
    if (status == FED_OK)
        status = read_pair(&pair, shape, train, test);
    pair_fini(&pair);
    return status;
}

const fed_source_t fed_source_tff = {
    .plugin = {.name = "tff",
               .summary = "TensorFlow Federated's NAME_train.h5 and NAME_test.h5, a group a client",
               .keys = {&fed_layout_keys}},
    .measure = measure,
    .read = read_samples,
};
