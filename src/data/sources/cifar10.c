/* CIFAR-10 in its binary version (Krizhevsky 2009): data_batch_1.bin, data_batch_2.bin, ...
 * and test_batch.bin. A record is a label and three planes of 32x32 bytes, red, green and
 * blue; a file holds any number of records, 10,000 in the original. */
#include "sources.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define IMAGE_BYTES ((size_t)3 * 32 * 32)
#define RECORD_BYTES (1 + IMAGE_BYTES)
#define CLASSES 10

/* The folder, or the one in it that the archive from the authors' site unpacks to. */
static char *find_file(const char *path, const char *name) {
    char *file = fed_format("%s/%s", path, name);
    if (fed_file_exists(file))
        return file;
    char *unpacked = fed_format("%s/cifar-10-batches-bin/%s", path, name);
    if (!fed_file_exists(unpacked)) {
        fed_free(unpacked);
        return file;
    }
    fed_free(file);
    return unpacked;
}

/* data_batch_1.bin is number 1, and so on. */
static char *find_batch(const char *path, size_t number) {
    FED_AUTOFREE char *name = fed_format("data_batch_%zu.bin", number);
    return find_file(path, name);
}

static fed_status_t count_records(const char *file, size_t *records) {
    struct stat status;
    if (stat(file, &status) != 0)
        return fed_file_fail_reading(file, errno);
    size_t bytes = (size_t)status.st_size;
    if (bytes == 0 || bytes % RECORD_BYTES != 0)
        return fed_fail(FED_INPUT,
                        "%s: has %zu bytes, accepted is a multiple of %zu: a label and "
                        "3x32x32 values a record",
                        file, bytes, RECORD_BYTES);
    *records = bytes / RECORD_BYTES;
    return FED_OK;
}

static fed_status_t measure(const fed_source_t *self, const fed_config_t *config,
                            const fed_array_format_t *arrays, fed_dataset_shape_t *shape) {
    const char *path = fed_data_options(config)->path;
    (void)arrays;
    *shape = (fed_dataset_shape_t){.channels = 3,
                                   .height = 32,
                                   .width = 32,
                                   .classes = self->classes,
                                   .type = FED_VALUES_UINT8};
    for (size_t number = 1;; number++) {
        FED_AUTOFREE char *file = find_batch(path, number);
        if (number > 1 && !fed_file_exists(file))
            break;
        size_t records = 0;
        FED_TRY(count_records(file, &records));
        shape->train_count += records;
    }
    FED_AUTOFREE char *file = find_file(path, "test_batch.bin");
    return count_records(file, &shape->test_count);
}

static fed_status_t read_records(FILE *stream, const char *file, size_t first, size_t count,
                                 fed_raw_samples_t *samples) {
    uint8_t record[RECORD_BYTES];
    for (size_t i = first; i < first + count; i++) {
        if (fread(record, sizeof record, 1, stream) != 1)
            return fed_fail(FED_INPUT, "%s: ends before record %zu", file, i - first);
        if (record[0] >= CLASSES)
            return fed_fail(FED_INPUT, "%s: record %zu has label %d, accepted is 0 to %d", file,
                            i - first, record[0], CLASSES - 1);
        samples->labels[i] = record[0];
        memcpy((uint8_t *)samples->values + i * IMAGE_BYTES, record + 1, IMAGE_BYTES);
    }
    return FED_OK;
}

/* Append the file's records at *at, until there are `count`. */
static fed_status_t append_file(const char *file, size_t count, size_t *at,
                                fed_raw_samples_t *samples) {
    size_t records = 0;
    FED_TRY(count_records(file, &records));
    if (records > count - *at)
        records = count - *at;
    FILE *stream = fopen(file, "rbe");
    if (!stream)
        return fed_file_fail_reading(file, errno);
    fed_status_t status = read_records(stream, file, *at, records, samples);
    fclose(stream);
    *at += records;
    return status;
}

static fed_status_t read_samples(const fed_source_t *self, const fed_config_t *config,
                                 const fed_array_format_t *arrays, const fed_dataset_shape_t *shape,
                                 fed_raw_samples_t *train, fed_raw_samples_t *test) {
    const char *path = fed_data_options(config)->path;
    (void)self;
    (void)arrays;
    size_t at = 0;
    for (size_t number = 1; at < shape->train_count; number++) {
        FED_AUTOFREE char *file = find_batch(path, number);
        FED_TRY(append_file(file, shape->train_count, &at, train));
    }
    FED_AUTOFREE char *file = find_file(path, "test_batch.bin");
    at = 0;
    return append_file(file, shape->test_count, &at, test);
}

const fed_source_t fed_source_cifar10 = {
    .plugin = {.name = "cifar10",
               .summary = "colour photographs, 3x32x32, 10 classes, binary version "
                          "(Krizhevsky 2009)"},
    .measure = measure,
    .read = read_samples,
    .classes = CLASSES,
};
