/* Data sets of four IDX files in a folder: MNIST and its relatives. */
#include "sources.h"

#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/data/idx.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <string.h>

#define LABEL_MAX ((size_t)999999)

/* The names in use: "train-images-idx3-ubyte", "train-images.idx3-ubyte",
 * "emnist-letters-test-images-idx3-ubyte.gz", ... */
static const char *const train_patterns[] = {"*train-%s[-.]idx[1-4]*", NULL};
static const char *const test_patterns[] = {"*t10k-%s[-.]idx[1-4]*", "*test-%s[-.]idx[1-4]*", NULL};

static bool matches(const char *name, const char *const *patterns, const char *what) {
    for (; *patterns; patterns++) {
        FED_AUTOFREE char *pattern = NULL;
        pattern = fed_format("%.*s%s%s", (int)(strchr(*patterns, '%') - *patterns), *patterns, what,
                             strchr(*patterns, '%') + 2);
        if (fnmatch(pattern, name, 0) == 0)
            return true;
    }
    return false;
}

/* "a.gz" is the same file as "a". */
static bool same_but_for_gz(const char *a, const char *b) {
    size_t shorter = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    return strncmp(a, b, shorter) == 0 && strcmp(a + shorter, b + shorter) != 0 &&
           (strcmp(a + shorter, ".gz") == 0 || strcmp(b + shorter, ".gz") == 0);
}

/* The one file of the folder for this part; the plain one before the gzipped. */
static fed_status_t find_file(const char *folder, const char *const *patterns, const char *what,
                              char **path) {
    DIR *directory = opendir(folder);
    if (!directory && errno == ENOTDIR)
        return fed_fail(FED_INPUT,
                        "%s: is a file, accepted is a folder with four IDX files; HDF5 files want "
                        "data.dataset = hdf5",
                        folder);
    if (!directory)
        return fed_fail(FED_INPUT, "%s: cannot open: %s", folder, strerror(errno));
    FED_AUTOFREE char *found = NULL;
    fed_status_t status = FED_OK;
    for (struct dirent *entry; status == FED_OK && (entry = readdir(directory));) {
        if (!matches(entry->d_name, patterns, what))
            continue;
        if (found && !same_but_for_gz(found, entry->d_name)) {
            status = fed_fail(FED_INPUT,
                              "%s: holds both %s and %s; data.path must name a folder "
                              "with one data set",
                              folder, found, entry->d_name);
        } else if (!found || strlen(entry->d_name) < strlen(found)) {
            fed_free(found);
            found = fed_strdup(entry->d_name);
        }
    }
    closedir(directory);
    FED_TRY(status);
    if (!found)
        return fed_fail(FED_INPUT, "%s: no file named like %.*s%s-idx%s-ubyte, plain or .gz",
                        folder, (int)(strchr(*patterns, '%') - *patterns - 1), *patterns + 1, what,
                        strcmp(what, "images") == 0 ? "3" : "1");
    *path = fed_format("%s/%s", folder, found);
    return FED_OK;
}

/* One part of a data set: a file of images and one of labels that agree. */
typedef struct part {
    char *image_path, *label_path;
    fed_idx_header_t images, labels;
} part_t;

static void part_fini(part_t *part) {
    fed_free(part->image_path);
    fed_free(part->label_path);
}

static fed_status_t open_part(const char *folder, const char *const *patterns, part_t *part) {
    FED_TRY(find_file(folder, patterns, "images", &part->image_path));
    FED_TRY(find_file(folder, patterns, "labels", &part->label_path));
    FED_TRY(fed_idx_read_header(part->image_path, &part->images));
    FED_TRY(fed_idx_read_header(part->label_path, &part->labels));
    if (part->labels.dimensions > 2)
        return fed_fail(
            FED_INPUT, "%s: labels must be one number each, or vectors that begin with it (QMNIST)",
            part->label_path);
    if (part->images.dimensions < 2)
        return fed_fail(FED_INPUT, "%s: images must have 2 to 4 dimensions, the first the samples",
                        part->image_path);
    if (part->images.sizes[0] != part->labels.sizes[0])
        return fed_fail(FED_INPUT, "%s holds %zu images, %s holds %zu labels", part->image_path,
                        part->images.sizes[0], part->label_path, part->labels.sizes[0]);
    return FED_OK;
}

static fed_status_t open_both(const char *path, part_t *train, part_t *test) {
    FED_TRY(open_part(path, train_patterns, train));
    FED_TRY(open_part(path, test_patterns, test));
    if (memcmp(train->images.sizes + 1, test->images.sizes + 1, 3 * sizeof(size_t)) != 0 ||
        train->images.type != test->images.type)
        return fed_fail(FED_INPUT, "%s and %s hold images of different shape or type",
                        train->image_path, test->image_path);
    return FED_OK;
}

static fed_dataset_shape_t shape_of(const part_t *train, const part_t *test, size_t classes) {
    const size_t *sizes = train->images.sizes;
    bool color = train->images.dimensions == 4; /* [samples][channels][height][width] */
    return (fed_dataset_shape_t){
        .train_count = sizes[0],
        .test_count = test->images.sizes[0],
        .channels = color ? sizes[1] : 1,
        .height = color ? sizes[2] : sizes[1],
        .width = color ? sizes[3] : sizes[2],
        .classes = classes,
        .type = train->images.type == FED_IDX_UINT8 ? FED_VALUES_UINT8 : FED_VALUES_FLOAT32,
    };
}

static fed_status_t measure(const fed_source_t *self, const fed_config_t *config,
                            const fed_array_format_t *arrays, fed_dataset_shape_t *shape) {
    const char *path = fed_data_options(config)->path;
    (void)arrays;
    part_t train = {0}, test = {0};
    fed_status_t status = open_both(path, &train, &test);
    if (status == FED_OK)
        *shape = shape_of(&train, &test, self->classes);
    part_fini(&train);
    part_fini(&test);
    return status;
}

static bool is_label(double value, size_t classes) {
    double most = (double)(classes > 0 ? classes - 1 : LABEL_MAX);
    return value >= 0 && value <= most && value == trunc(value);
}

/* The first number of each entry; QMNIST has writer and origin behind the class. */
static fed_status_t read_numbers(const part_t *part, size_t count, float *numbers) {
    bool bytes = part->labels.type == FED_IDX_UINT8;
    size_t width = part->labels.sizes[1];
    FED_AUTOFREE void *values = fed_alloc(count * width, bytes ? 1 : sizeof(float));
    FED_TRY(fed_idx_read_values(part->label_path, &part->labels, count, values));
    for (size_t i = 0; i < count; i++)
        numbers[i] = bytes ? (float)((const uint8_t *)values)[i * width]
                           : ((const float *)values)[i * width];
    return FED_OK;
}

/* Numbers that were written as they lie in the memory of most machines: read as the format
 * has them all are multiples of 256, or too large. */
static bool looks_reversed(const part_t *part, const float *numbers, size_t count) {
    bool other = false;
    if (part->labels.type != FED_IDX_INT16 && part->labels.type != FED_IDX_INT32)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (fabsf(numbers[i]) <= (float)LABEL_MAX && fmodf(numbers[i], 256) != 0)
            return false;
        other |= numbers[i] != 0;
    }
    return other;
}

/* Takes them so where that makes labels of all of them. */
static fed_status_t try_reversed(const part_t *part, size_t count, size_t classes, float *numbers) {
    part_t reversed = *part;
    reversed.labels.little_endian = true;
    FED_AUTOFREE float *again = FED_NEW_ARRAY(float, count);
    FED_TRY(read_numbers(&reversed, count, again));
    for (size_t i = 0; i < count; i++)
        if (!is_label(again[i], classes))
            return FED_OK;
    fed_info("%s: its numbers are little-endian, against the format: read so", part->label_path);
    memcpy(numbers, again, count * sizeof *numbers);
    return FED_OK;
}

static fed_status_t read_labels(const part_t *part, size_t count, size_t classes, int32_t *labels) {
    FED_AUTOFREE float *numbers = FED_NEW_ARRAY(float, count);
    FED_TRY(read_numbers(part, count, numbers));
    if (looks_reversed(part, numbers, count))
        FED_TRY(try_reversed(part, count, classes, numbers));
    for (size_t i = 0; i < count; i++) {
        if (!is_label(numbers[i], classes))
            return fed_fail(FED_INPUT, "%s: sample %zu has label %g, accepted is 0 to %zu",
                            part->label_path, i, (double)numbers[i],
                            classes > 0 ? classes - 1 : LABEL_MAX);
        labels[i] = (int32_t)numbers[i];
    }
    return FED_OK;
}

static fed_status_t read_part(const part_t *part, size_t count, size_t classes,
                              fed_raw_samples_t *samples) {
    FED_TRY(fed_idx_read_values(part->image_path, &part->images, count, samples->values));
    return read_labels(part, count, classes, samples->labels);
}

static fed_status_t read_samples(const fed_source_t *self, const fed_config_t *config,
                                 const fed_array_format_t *arrays, const fed_dataset_shape_t *shape,
                                 fed_raw_samples_t *train, fed_raw_samples_t *test) {
    const char *path = fed_data_options(config)->path;
    (void)arrays;
    part_t train_part = {0}, test_part = {0};
    fed_status_t status = open_both(path, &train_part, &test_part);
    if (status == FED_OK)
        status = read_part(&train_part, shape->train_count, self->classes, train);
    if (status == FED_OK)
        status = read_part(&test_part, shape->test_count, self->classes, test);
    part_fini(&train_part);
    part_fini(&test_part);
    return status;
}

#define IDX_SOURCE(id, text_name, text_summary, class_count, fetched)                              \
    const fed_source_t fed_source_##id = {                                                         \
        .plugin = {.name = text_name, .summary = text_summary},                                    \
        .measure = measure,                                                                        \
        .read = read_samples,                                                                      \
        .classes = class_count,                                                                    \
        .is_fetched = fetched,                                                                     \
    }

IDX_SOURCE(mnist, "mnist", "handwritten digits, 28x28, 10 classes (LeCun et al. 1998)", 10, true);
IDX_SOURCE(fashion_mnist, "fashion-mnist",
           "articles of clothing, 28x28, 10 classes (Xiao et al. 2017)", 10, true);
IDX_SOURCE(kmnist, "kmnist",
           "cursive Japanese characters, 28x28, 10 classes (Clanuwat et al. 2018)", 10, false);
IDX_SOURCE(
    emnist, "emnist",
    "handwritten letters and digits, 28x28, one of its six sets a folder (Cohen et al. 2017)", 0,
    false);
IDX_SOURCE(idx, "idx", "four IDX files in a folder, any image size and number of classes", 0,
           false);
