/* An HDF5 file with /train/x, /train/y, /test/x, /test/y and perhaps /train/client.
 *
 * x is [samples] [features], [samples][height][width] or [samples][channels][height][width];
 * other shapes are taken as a row of features. Bytes stay bytes; any other integer or
 * real type becomes float32 on reading. y and client are [samples], of any integer type.
 * Rows are read a slab at a time into their place. */
#include "sources.h"

#include "data/clean.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/stop.h"

#include <string.h>

#define SLAB_BYTES ((size_t)16 << 20)
#define CLASSES_MAX 1000000

/* One file while it is looked at. */
typedef struct input {
    const fed_array_format_t *arrays;
    fed_array_file_t *file;
    const char *path;
} input_t;

static fed_status_t check_integers(const input_t *input, const char *name, size_t count) {
    fed_array_shape_t shape;
    FED_TRY(input->arrays->measure(input->file, name, &shape));
    if (shape.dimensions != 1 || shape.kind > FED_ARRAY_OF_INTEGERS)
        return fed_fail(FED_INPUT, "%s: %s must have one dimension and integers", input->path,
                        name);
    if (shape.sizes[0] != count)
        return fed_fail(FED_INPUT, "%s: %s has %zu numbers for %zu samples", input->path, name,
                        shape.sizes[0], count);
    return FED_OK;
}

static fed_status_t measure_values(const input_t *input, const char *name,
                                   fed_array_shape_t *shape) {
    FED_TRY(input->arrays->measure(input->file, name, shape));
    size_t numbers = 1;
    for (size_t d = 0; d < shape->dimensions; d++)
        numbers *= shape->sizes[d];
    if (shape->dimensions == 0 || numbers == 0 || shape->kind == FED_ARRAY_OF_OTHERS)
        return fed_fail(FED_INPUT,
                        "%s: %s must be an array of numbers, the first dimension the "
                        "samples",
                        input->path, name);
    return FED_OK;
}

/* [channels][height][width] of a sample. */
static void set_sample_shape(const fed_array_shape_t *array, fed_dataset_shape_t *shape) {
    const size_t *sizes = array->sizes;
    shape->channels = shape->height = shape->width = 1;
    if (array->dimensions == 4 && sizes[1] <= FED_CHANNELS_MAX) {
        shape->channels = sizes[1];
        shape->height = sizes[2];
        shape->width = sizes[3];
    } else if (array->dimensions == 3) {
        shape->height = sizes[1];
        shape->width = sizes[2];
    } else {
        for (size_t d = 1; d < array->dimensions; d++)
            shape->width *= sizes[d];
    }
}

static fed_status_t measure_file(const input_t *input, fed_dataset_shape_t *shape) {
    fed_array_shape_t train, test;
    FED_TRY(measure_values(input, "/train/x", &train));
    FED_TRY(measure_values(input, "/test/x", &test));
    if (train.dimensions != test.dimensions || train.kind != test.kind ||
        memcmp(train.sizes + 1, test.sizes + 1, sizeof train.sizes - sizeof train.sizes[0]) != 0)
        return fed_fail(FED_INPUT,
                        "%s: /train/x and /test/x have samples of different shape or "
                        "type",
                        input->path);
    FED_TRY(check_integers(input, "/train/y", train.sizes[0]));
    FED_TRY(check_integers(input, "/test/y", test.sizes[0]));
    *shape = (fed_dataset_shape_t){
        .train_count = train.sizes[0],
        .test_count = test.sizes[0],
        .type = train.kind == FED_ARRAY_OF_BYTES ? FED_VALUES_UINT8 : FED_VALUES_FLOAT32,
        .names_clients = input->arrays->exists(input->file, "/train/client"),
    };
    set_sample_shape(&train, shape);
    return shape->names_clients ? check_integers(input, "/train/client", train.sizes[0]) : FED_OK;
}

static fed_status_t read_values(const input_t *input, const char *name,
                                const fed_dataset_shape_t *shape, size_t count, char *values) {
    size_t width = shape->channels * shape->height * shape->width;
    size_t row_bytes = width * fed_value_bytes(shape->type);
    size_t slab = 1 + SLAB_BYTES / row_bytes;
    for (size_t first = 0; first < count; first += slab) {
        if (fed_stop_requested())
            return fed_stop_status();
        FED_TRY(input->arrays->read(
            input->file, name, first, count - first < slab ? count - first : slab, width,
            shape->type == FED_VALUES_UINT8 ? FED_ARRAY_UINT8 : FED_ARRAY_FLOAT32,
            values + first * row_bytes));
    }
    return FED_OK;
}

/* @param limit  what the numbers must lie below */
static fed_status_t read_integers(const input_t *input, const char *name, size_t count,
                                  int64_t limit, int32_t *numbers) {
    enum { SLAB = 65536 };
    FED_AUTOFREE int64_t *slab = FED_NEW_ARRAY(int64_t, SLAB);
    for (size_t first = 0; first < count; first += SLAB) {
        size_t rows = count - first < SLAB ? count - first : SLAB;
        FED_TRY(input->arrays->read(input->file, name, first, rows, 1, FED_ARRAY_INT64, slab));
        for (size_t i = 0; i < rows; i++) {
            if (slab[i] < 0 || slab[i] >= limit)
                return fed_fail(FED_INPUT, "%s: %s[%zu] is %lld, accepted is 0 to %lld",
                                input->path, name, first + i, (long long)slab[i],
                                (long long)limit - 1);
            numbers[first + i] = (int32_t)slab[i];
        }
    }
    return FED_OK;
}

static fed_status_t read_file(const input_t *input, const fed_dataset_shape_t *shape,
                              fed_raw_samples_t *train, fed_raw_samples_t *test) {
    FED_TRY(read_values(input, "/train/x", shape, shape->train_count, train->values));
    FED_TRY(read_values(input, "/test/x", shape, shape->test_count, test->values));
    FED_TRY(read_integers(input, "/train/y", shape->train_count, CLASSES_MAX, train->labels));
    FED_TRY(read_integers(input, "/test/y", shape->test_count, CLASSES_MAX, test->labels));
    if (train->clients && input->arrays->exists(input->file, "/train/client"))
        FED_TRY(
            read_integers(input, "/train/client", shape->train_count, INT32_MAX, train->clients));
    return FED_OK;
}

static fed_status_t measure(const fed_source_t *self, const fed_config_t *config,
                            const fed_array_format_t *arrays, fed_dataset_shape_t *shape) {
    const char *path = config->data.path;
    (void)self;
    input_t input = {.arrays = arrays, .path = path};
    FED_TRY(arrays->open(path, &input.file));
    fed_status_t status = measure_file(&input, shape);
    arrays->close(input.file);
    return status;
}

static fed_status_t read_samples(const fed_source_t *self, const fed_config_t *config,
                                 const fed_array_format_t *arrays, const fed_dataset_shape_t *shape,
                                 fed_raw_samples_t *train, fed_raw_samples_t *test) {
    const char *path = config->data.path;
    (void)self;
    input_t input = {.arrays = arrays, .path = path};
    FED_TRY(arrays->open(path, &input.file));
    fed_status_t status = read_file(&input, shape, train, test);
    arrays->close(input.file);
    return status;
}

const fed_source_t fed_source_hdf5 = {
    .plugin = {"hdf5",
               "a file with /train/x, /train/y, /test/x, /test/y and perhaps "
               "/train/client"},
    .measure = measure,
    .read = read_samples,
};
