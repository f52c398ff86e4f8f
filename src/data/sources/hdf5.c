/* An HDF5 file with /train/x, /train/y, /test/x, /test/y and perhaps /train/client.
 *
 * x is [samples] [features], [samples][height][width], or with channels as data.layout says;
 * other shapes are taken as a row of features. Bytes stay bytes; any other integer or
 * real type becomes float32 on reading. y and client are what named_arrays.h accepts. */
#include "sources.h"

#include "named_arrays.h"

#include <string.h>

static const char *const train_x = "/train/x", *const train_y = "/train/y",
                         *const test_x = "/test/x", *const test_y = "/test/y",
                         *const train_client = "/train/client";

/* Of another kind that fedmpi reads, too? */
static fed_status_t check_kind(const fed_array_input_t *input) {
    if (input->arrays->exists(input->file, "/examples") &&
        !input->arrays->exists(input->file, train_x))
        return fed_fail(FED_INPUT,
                        "%s: has a group for each client below /examples: set data.dataset = tff",
                        input->path);
    return FED_OK;
}

static fed_status_t measure_file(const fed_config_t *config, const fed_array_input_t *input,
                                 fed_dataset_shape_t *shape) {
    fed_array_shape_t train, test;
    FED_TRY(check_kind(input));
    FED_TRY(fed_array_measure_samples(input, train_x, &train));
    FED_TRY(fed_array_measure_samples(input, test_x, &test));
    FED_TRY(fed_array_check_alike(input, train_x, &train, input, test_x, &test));
    FED_TRY(fed_array_check_labels(input, train_y, train.sizes[0]));
    FED_TRY(fed_array_check_labels(input, test_y, test.sizes[0]));
    *shape = (fed_dataset_shape_t){
        .train_count = train.sizes[0],
        .test_count = test.sizes[0],
        .type = train.kind == FED_ARRAY_OF_BYTES ? FED_VALUES_UINT8 : FED_VALUES_FLOAT32,
        .names_clients = input->arrays->exists(input->file, train_client),
    };
    FED_TRY(fed_array_sample_shape(config, input, train_x, &train, shape));
    return shape->names_clients ? fed_array_check_clients(input, train_client, train.sizes[0])
                                : FED_OK;
}

static fed_status_t read_file(const fed_array_input_t *input, const fed_dataset_shape_t *shape,
                              fed_raw_samples_t *train, fed_raw_samples_t *test) {
    fed_array_shape_t array;
    FED_TRY(fed_array_measure_samples(input, train_x, &array));
    FED_TRY(
        fed_array_read_samples(input, train_x, &array, shape, shape->train_count, train->values));
    FED_TRY(fed_array_read_samples(input, test_x, &array, shape, shape->test_count, test->values));
    FED_TRY(fed_array_read_labels(input, train_y, shape->train_count, train->labels));
    FED_TRY(fed_array_read_labels(input, test_y, shape->test_count, test->labels));
    if (train->client_of && input->arrays->exists(input->file, train_client))
        FED_TRY(
            fed_array_read_clients(input, train_client, shape->train_count, 0, train->client_of));
    return FED_OK;
}

static fed_status_t measure(const fed_source_t *self, const fed_config_t *config,
                            const fed_array_format_t *arrays, fed_dataset_shape_t *shape) {
    (void)self;
    fed_array_input_t input = {.arrays = arrays, .path = fed_data_options(config)->path};
    FED_TRY(arrays->open(input.path, &input.file));
    fed_status_t status = measure_file(config, &input, shape);
    arrays->close(input.file);
    return status;
}

static fed_status_t read_samples(const fed_source_t *self, const fed_config_t *config,
                                 const fed_array_format_t *arrays, const fed_dataset_shape_t *shape,
                                 fed_raw_samples_t *train, fed_raw_samples_t *test) {
    (void)self;
    fed_array_input_t input = {.arrays = arrays, .path = fed_data_options(config)->path};
    FED_TRY(arrays->open(input.path, &input.file));
    fed_status_t status = read_file(&input, shape, train, test);
    arrays->close(input.file);
    return status;
}

const fed_source_t fed_source_hdf5 = {
    .plugin = {.name = "hdf5",
               .summary = "a file with /train/x, /train/y, /test/x, /test/y and perhaps "
                          "/train/client",
               .keys = {&fed_layout_keys}},
    .measure = measure,
    .read = read_samples,
};
