/* A data set in an HDF5 file: refused with a message, or read whole into a block that the
 * file's size bears out, and what is read is in range. */
#include "input.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/data/dataset.h"
#include "fedmpi/io/arrays.h"
#include "fedmpi/run/rooms.h"

#include <math.h>
#include <stdlib.h>

#define DEFLATE_MAX_RATIO 1032
#define SAMPLE_GROWTH 16 /* a byte of the file becomes a float32, a label 4 bytes, a column too */
#define FIXED_BYTES 8192 /* of a block: header and alignment */

static void set(fed_config_t *config, const char *key, const char *value) {
    if (fed_config_set(config, "data", key, value, "fuzz") != FED_OK)
        abort();
}

static void check_samples(const fed_dataset_t *dataset, const fed_samples_t *samples) {
    FED_AUTOFREE float *x = FED_NEW_ARRAY(float, samples->features);
    int32_t label;
    for (size_t i = 0; i < samples->count; i++) {
        fed_samples_slice(samples, i, 1, x, &label);
        if (label < 0 || (size_t)label >= dataset->classes)
            abort();
        for (size_t f = 0; f < samples->features; f++)
            if (!isfinite(x[f]))
                abort();
    }
}

static void read_dataset(const fed_config_t *config, size_t file_bytes) {
    fed_dataset_shape_t shape;
    if (fed_dataset_measure(config, &fed_hdf5_arrays, &shape) != FED_OK)
        return;
    size_t bytes = fed_dataset_block_bytes(&shape);
    if (bytes > FIXED_BYTES + file_bytes * DEFLATE_MAX_RATIO * SAMPLE_GROWTH)
        abort();
    FED_AUTOFREE void *block = fed_alloc(bytes, 1);
    if (fed_dataset_fill(config, &fed_hdf5_arrays, &shape, block) != FED_OK)
        return;
    fed_dataset_t dataset = fed_dataset_attach(config, block);
    check_samples(&dataset, &dataset.train);
    check_samples(&dataset, &dataset.test);
    fed_dataset_detach(&dataset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    set(&config, "dataset", "hdf5");
    set(&config, "path", fuzz_file(data, bytes));
    read_dataset(&config, bytes);
    fed_config_fini(&config);
    fuzz_check_memory();
    return 0;
}
