/* Samples out of named arrays: entries are read a slab at a time into their place. */
#include "named_arrays.h"

#include "data/clean.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/stop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum layout { LAYOUT_AUTO, LAYOUT_CHANNELS_FIRST, LAYOUT_CHANNELS_LAST } layout_t;

typedef struct layout_options {
    layout_t layout;
} layout_options_t;

static const char *const layout_words[] = {
    [LAYOUT_AUTO] = "auto",
    [LAYOUT_CHANNELS_FIRST] = "channels_first",
    [LAYOUT_CHANNELS_LAST] = "channels_last",
    NULL,
};

static const fed_key_t keys[] = {
    FED_CHOICE(layout_options_t, layout, layout_words, "auto",
               "hdf5, tff: where pictures have their channels; auto: where there are at most 4"),
};

const fed_key_group_t fed_layout_keys = FED_KEY_GROUP("data", layout_options_t, keys);

#define SLAB_BYTES ((size_t)16 << 20)
#define CLASSES_MAX 1000000
#define COLOURS_MAX 4 /* channels of a picture: grey, with opacity, RGB, with opacity */

static size_t width_of(const fed_array_shape_t *shape) {
    size_t width = 1;
    for (size_t d = 1; d < shape->dimensions; d++)
        width *= shape->sizes[d];
    return width;
}

/* --- Samples ---------------------------------------------------------------------------- */

fed_status_t fed_array_measure_samples(const fed_array_input_t *input, const char *name,
                                       fed_array_shape_t *shape) {
    FED_TRY(input->arrays->measure(input->file, name, shape));
    if (shape->dimensions == 0 || shape->kind > FED_ARRAY_OF_REALS || shape->sizes[0] == 0 ||
        width_of(shape) == 0)
        return fed_fail(FED_INPUT,
                        "%s: %s must be an array of numbers, the first dimension the "
                        "samples",
                        input->path, name);
    return FED_OK;
}

static bool may_be_channels(size_t size) {
    return size <= COLOURS_MAX;
}

/* Are the channels of [samples][a][b][c] the last? Told by their number where it can be. */
static fed_status_t find_layout(const fed_config_t *config, const fed_array_input_t *input,
                                const char *name, const size_t *sizes, bool *last) {
    bool first = may_be_channels(sizes[1]), behind = may_be_channels(sizes[3]);
    const layout_options_t *options = fed_config_options(config, &fed_layout_keys);
    *last = options->layout == LAYOUT_CHANNELS_LAST;
    if (options->layout != LAYOUT_AUTO)
        return FED_OK;
    if (first && behind && sizes[1] != 1 && sizes[3] != 1)
        return fed_config_fail(config, "data.layout",
                               "%s: %s has samples of %zux%zux%zu: say channels_first or "
                               "channels_last",
                               input->path, name, sizes[1], sizes[2], sizes[3]);
    *last = behind && !first;
    if (*last)
        fed_info("%s: samples of %s are pictures of %zux%zu with their %zu channels last",
                 input->path, name, sizes[1], sizes[2], sizes[3]);
    return FED_OK;
}

fed_status_t fed_array_sample_shape(const fed_config_t *config, const fed_array_input_t *input,
                                    const char *name, const fed_array_shape_t *array,
                                    fed_dataset_shape_t *shape) {
    const size_t *sizes = array->sizes;
    bool last = false;
    shape->channels = shape->height = 1;
    shape->width = width_of(array);
    if (array->dimensions == 3) {
        shape->height = sizes[1];
        shape->width = sizes[2];
    }
    if (array->dimensions == 4)
        FED_TRY(find_layout(config, input, name, sizes, &last));
    size_t channels = last ? sizes[3] : sizes[1];
    if (array->dimensions == 4 && channels <= FED_CHANNELS_MAX) {
        shape->channels = channels;
        shape->height = sizes[last ? 1 : 2];
        shape->width = sizes[last ? 2 : 3];
    }
    return FED_OK;
}

/* "28x28 bytes", for a message. */
static char *describe(const fed_array_shape_t *shape) {
    static const char *const kinds[] = {
        [FED_ARRAY_OF_BYTES] = "bytes",
        [FED_ARRAY_OF_INTEGERS] = "integers",
        [FED_ARRAY_OF_REALS] = "reals",
    };
    char *text = fed_strdup("");
    for (size_t d = 1; d < shape->dimensions; d++) {
        char *longer = fed_format("%s%s%zu", text, d > 1 ? "x" : "", shape->sizes[d]);
        fed_free(text);
        text = longer;
    }
    char *all = fed_format("%s %s", *text ? text : "1", kinds[shape->kind]);
    fed_free(text);
    return all;
}

fed_status_t fed_array_check_alike(const fed_array_input_t *input, const char *name,
                                   const fed_array_shape_t *array, const fed_array_input_t *other,
                                   const char *other_name, const fed_array_shape_t *other_array) {
    if (array->dimensions == other_array->dimensions && array->kind == other_array->kind &&
        memcmp(array->sizes + 1, other_array->sizes + 1,
               sizeof array->sizes - sizeof array->sizes[0]) == 0)
        return FED_OK;
    FED_AUTOFREE char *one = describe(array), *two = describe(other_array);
    return fed_fail(FED_INPUT,
                    "%s: %s and %s%s%s have samples of different shape or type: %s, and %s",
                    input->path, name, input == other ? "" : other->path,
                    input == other ? "" : ": ", other_name, one, two);
}

/* Is the array channels last where the data set has them first? */
static bool is_channels_last(const fed_array_shape_t *array, const fed_dataset_shape_t *shape) {
    return array->dimensions == 4 && shape->channels > 1 && array->sizes[1] == shape->height &&
           array->sizes[2] == shape->width && array->sizes[3] == shape->channels &&
           !(array->sizes[1] == shape->channels && array->sizes[2] == shape->height);
}

/* [pixels][channels] to [channels][pixels], each sample through `sample` of its size. */
static void put_channels_first(const fed_dataset_shape_t *shape, size_t samples, char *values,
                               char *sample) {
    size_t channels = shape->channels, pixels = shape->height * shape->width;
    size_t bytes = fed_value_bytes(shape->type), sample_bytes = channels * pixels * bytes;
    for (size_t i = 0; i < samples; i++, values += sample_bytes) {
        memcpy(sample, values, sample_bytes);
        for (size_t p = 0; p < pixels; p++)
            for (size_t c = 0; c < channels; c++)
                memcpy(values + (c * pixels + p) * bytes, sample + (p * channels + c) * bytes,
                       bytes);
    }
}

fed_status_t fed_array_read_samples(const fed_array_input_t *input, const char *name,
                                    const fed_array_shape_t *array,
                                    const fed_dataset_shape_t *shape, size_t count, void *values) {
    size_t width = width_of(array), sample_bytes = width * fed_value_bytes(shape->type);
    size_t slab = 1 + SLAB_BYTES / sample_bytes;
    bool turn = is_channels_last(array, shape);
    FED_AUTOFREE char *sample = fed_alloc(turn ? sample_bytes : 1, 1);
    for (size_t first = 0; first < count; first += slab) {
        if (fed_stop_requested())
            return fed_stop_status();
        size_t entries = count - first < slab ? count - first : slab;
        char *to = (char *)values + first * sample_bytes;
        FED_TRY(input->arrays->read(
            input->file, name, first, entries, width,
            shape->type == FED_VALUES_UINT8 ? FED_ARRAY_UINT8 : FED_ARRAY_FLOAT32, to));
        if (turn)
            put_channels_first(shape, entries, to, sample);
    }
    return FED_OK;
}

/* --- Labels ----------------------------------------------------------------------------- */

static fed_status_t fail_entries(const fed_array_input_t *input, const char *name, size_t entries,
                                 size_t count) {
    return fed_fail(FED_INPUT, "%s: %s has %zu numbers for %zu samples", input->path, name, entries,
                    count);
}

static fed_status_t measure_entries(const fed_array_input_t *input, const char *name, size_t count,
                                    fed_array_shape_t *shape) {
    FED_TRY(input->arrays->measure(input->file, name, shape));
    if (shape->dimensions == 0 || shape->sizes[0] != count)
        return fail_entries(input, name, shape->dimensions == 0 ? 1 : shape->sizes[0], count);
    return FED_OK;
}

static fed_status_t measure_labels(const fed_array_input_t *input, const char *name, size_t count,
                                   size_t *width) {
    fed_array_shape_t shape;
    FED_TRY(measure_entries(input, name, count, &shape));
    *width = width_of(&shape);
    if (shape.kind > FED_ARRAY_OF_REALS || *width == 0 || *width > CLASSES_MAX)
        return fed_fail(FED_INPUT,
                        "%s: %s must have a number for each sample, the class from 0, or a "
                        "one-hot row",
                        input->path, name);
    return FED_OK;
}

fed_status_t fed_array_check_labels(const fed_array_input_t *input, const char *name,
                                    size_t count) {
    size_t width;
    return measure_labels(input, name, count, &width);
}

static fed_status_t to_label(const fed_array_input_t *input, const char *name, size_t entry,
                             float value, int32_t *label) {
    if (!(value >= 0 && value < CLASSES_MAX && value == truncf(value)))
        return fed_fail(FED_INPUT, "%s: %s[%zu] is %g, accepted is an integer from 0 to %d",
                        input->path, name, entry, (double)value, CLASSES_MAX - 1);
    *label = (int32_t)value;
    return FED_OK;
}

/* The place of the only 1 among zeros. */
static fed_status_t to_hot_label(const fed_array_input_t *input, const char *name, size_t entry,
                                 const float *values, size_t width, int32_t *label) {
    size_t ones = 0, zeros = 0;
    for (size_t c = 0; c < width; c++) {
        ones += values[c] == 1;
        zeros += values[c] == 0;
        if (values[c] == 1)
            *label = (int32_t)c;
    }
    if (ones != 1 || zeros != width - 1)
        return fed_fail(FED_INPUT,
                        "%s: %s[%zu] has %zu numbers and is not one-hot (one 1, else 0): accepted "
                        "is one label a sample",
                        input->path, name, entry, width);
    return FED_OK;
}

fed_status_t fed_array_read_labels(const fed_array_input_t *input, const char *name, size_t count,
                                   int32_t *labels) {
    fed_array_shape_t shape;
    FED_TRY(input->arrays->measure(input->file, name, &shape));
    size_t width = width_of(&shape), slab = 1 + SLAB_BYTES / sizeof(float) / width;
    FED_AUTOFREE float *values = FED_NEW_ARRAY(float, slab *width);
    for (size_t first = 0; first < count; first += slab) {
        size_t entries = count - first < slab ? count - first : slab;
        FED_TRY(input->arrays->read(input->file, name, first, entries, width, FED_ARRAY_FLOAT32,
                                    values)); /* exact below 2^24 */
        for (size_t i = 0; i < entries; i++)
            FED_TRY(width > 1 ? to_hot_label(input, name, first + i, values + i * width, width,
                                             &labels[first + i])
                              : to_label(input, name, first + i, values[i], &labels[first + i]));
    }
    return FED_OK;
}

/* --- Clients ---------------------------------------------------------------------------- */

fed_status_t fed_array_measure_clients(const fed_array_input_t *input, const char *name,
                                       size_t *entries) {
    fed_array_shape_t shape;
    FED_TRY(input->arrays->measure(input->file, name, &shape));
    if (shape.dimensions == 0 || shape.kind > FED_ARRAY_OF_TEXTS || width_of(&shape) != 1)
        return fed_fail(FED_INPUT, "%s: %s must have an integer or a text for each sample",
                        input->path, name);
    *entries = shape.sizes[0];
    return FED_OK;
}

fed_status_t fed_array_check_clients(const fed_array_input_t *input, const char *name,
                                     size_t count) {
    size_t entries = 0;
    FED_TRY(fed_array_measure_clients(input, name, &entries));
    if (entries != count)
        return fail_entries(input, name, entries, count);
    return FED_OK;
}

static fed_status_t to_client(const fed_array_input_t *input, const char *name, size_t entry,
                              double number, int32_t least, int32_t *client) {
    if (!(number >= least && number < INT32_MAX && number == trunc(number)))
        return fed_fail(FED_INPUT, "%s: %s[%zu] is %.15g, accepted is an integer from %d to %d",
                        input->path, name, entry, number, least, INT32_MAX - 1);
    *client = (int32_t)number;
    return FED_OK;
}

/* Wide enough for every client that is accepted. */
static fed_status_t read_numbers(const fed_array_input_t *input, const char *name, size_t count,
                                 int32_t least, int32_t *client_of) {
    FED_AUTOFREE double *numbers = FED_NEW_ARRAY(double, count);
    FED_TRY(input->arrays->read(input->file, name, 0, count, 1, FED_ARRAY_FLOAT64, numbers));
    for (size_t i = 0; i < count; i++)
        FED_TRY(to_client(input, name, i, numbers[i], least, &client_of[i]));
    return FED_OK;
}

typedef char client_name_t[FED_ARRAY_TEXT_BYTES];

static int by_name(const void *a, const void *b) {
    return strcmp(**(const client_name_t *const *)a, **(const client_name_t *const *)b);
}

static fed_status_t read_names(const fed_array_input_t *input, const char *name, size_t count,
                               int32_t *client_of) {
    FED_AUTOFREE client_name_t *names = FED_NEW_ARRAY(client_name_t, count);
    FED_AUTOFREE client_name_t **sorted = FED_NEW_ARRAY(client_name_t *, count);
    FED_TRY(input->arrays->read(input->file, name, 0, count, 1, FED_ARRAY_TEXT, names));
    for (size_t i = 0; i < count; i++)
        sorted[i] = &names[i];
    qsort(sorted, count, sizeof(client_name_t *), by_name);
    int32_t number = 0;
    for (size_t i = 0; i < count; i++) {
        number += i > 0 && strcmp(*sorted[i], *sorted[i - 1]) != 0;
        client_of[sorted[i] - names] = number;
    }
    fed_info("%s: %s names %d clients: numbered in alphabetical order", input->path, name,
             number + 1);
    return FED_OK;
}

fed_status_t fed_array_read_clients(const fed_array_input_t *input, const char *name, size_t count,
                                    int32_t least, int32_t *client_of) {
    fed_array_shape_t shape;
    FED_TRY(input->arrays->measure(input->file, name, &shape));
    return shape.kind == FED_ARRAY_OF_TEXTS ? read_names(input, name, count, client_of)
                                            : read_numbers(input, name, count, least, client_of);
}
