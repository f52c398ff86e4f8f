/* Measuring, filling and viewing a data set's block. */
#include "sources.h"

#include "assignment.h"
#include "clean.h"
#include "fedmpi/core/memory.h"

#include <math.h>
#include <string.h>

static const fed_plugin_t *const source_entries[] = {
    &fed_source_mnist.plugin,  &fed_source_fashion_mnist.plugin, &fed_source_kmnist.plugin,
    &fed_source_emnist.plugin, &fed_source_cifar10.plugin,       &fed_source_idx.plugin,
    &fed_source_hdf5.plugin,
};

const fed_plugin_table_t fed_sources = {
    .kind = "data set",
    .key = "data.dataset",
    .entries = source_entries,
    .count = sizeof source_entries / sizeof *source_entries,
};

static fed_status_t find_source(const fed_config_t *config, const fed_source_t **source) {
    return fed_config_choose(config, &fed_sources, config->data.dataset,
                             (const fed_plugin_t **)source);
}

fed_status_t fed_dataset_measure(const fed_config_t *config, const fed_array_format_t *arrays,
                                 fed_dataset_shape_t *shape) {
    const fed_source_t *source;
    FED_TRY(find_source(config, &source));
    FED_TRY(source->measure(source, config->data.path, arrays, shape));
    shape->names_clients |= fed_assignment_is_used(config);
    size_t limit = (size_t)config->data.train_limit;
    if (limit > shape->train_count)
        return fed_config_fail(config, "data.train_limit", "the training set has %zu samples",
                               shape->train_count);
    if (limit > 0)
        shape->train_count = limit;
    if ((size_t)config->data.validation_samples >= shape->train_count)
        return fed_config_fail(config, "data.validation_samples",
                               "leaves nothing to train on: there are %zu samples",
                               shape->train_count);
    if (shape->channels > FED_CHANNELS_MAX)
        return fed_config_fail(config, "data.path",
                               "samples have %zu channels, accepted is 1 to %d", shape->channels,
                               FED_CHANNELS_MAX);
    return FED_OK;
}

static size_t features_of(const fed_dataset_shape_t *shape) {
    return shape->channels * shape->height * shape->width;
}

static size_t aligned(size_t bytes) {
    return (bytes + FED_ALIGNMENT - 1) / FED_ALIGNMENT * FED_ALIGNMENT;
}

/* Offsets of the arrays from the start of the block. */
typedef struct layout {
    size_t train_values, train_labels, train_clients, test_values, test_labels, columns, end;
} layout_t;

static layout_t layout_of(const fed_dataset_shape_t *shape) {
    size_t sample_bytes = features_of(shape) * fed_value_bytes(shape->type);
    layout_t at;
    at.train_values = aligned(sizeof(fed_block_header_t));
    at.train_labels = at.train_values + aligned(shape->train_count * sample_bytes);
    size_t named = shape->names_clients ? shape->train_count : 0;
    at.train_clients = at.train_labels + aligned(shape->train_count * sizeof(int32_t));
    at.test_values = at.train_clients + aligned(named * sizeof(int32_t));
    at.test_labels = at.test_values + aligned(shape->test_count * sample_bytes);
    at.columns = at.test_labels + aligned(shape->test_count * sizeof(int32_t));
    at.end = at.columns + aligned(features_of(shape) * sizeof(uint32_t));
    return at;
}

size_t fed_dataset_block_bytes(const fed_dataset_shape_t *shape) {
    return layout_of(shape).end;
}

static size_t largest_label(const fed_raw_samples_t *samples, size_t count) {
    int32_t largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = samples->labels[i] > largest ? samples->labels[i] : largest;
    return (size_t)largest;
}

fed_status_t fed_dataset_fill(const fed_config_t *config, const fed_array_format_t *arrays,
                              const fed_dataset_shape_t *shape, void *block) {
    const fed_source_t *source;
    FED_TRY(find_source(config, &source));
    layout_t at = layout_of(shape);
    char *base = block;
    fed_raw_samples_t train = {
        .values = base + at.train_values,
        .labels = (int32_t *)(void *)(base + at.train_labels),
        .clients = shape->names_clients ? (int32_t *)(void *)(base + at.train_clients) : NULL,
    };
    fed_raw_samples_t test = {
        .values = base + at.test_values,
        .labels = (int32_t *)(void *)(base + at.test_labels),
    };
    FED_TRY(source->read(source, config->data.path, arrays, shape, &train, &test));
    if (fed_assignment_is_used(config))
        FED_TRY(fed_assignment_read(config, arrays, shape->train_count, train.clients));

    fed_block_header_t *header = block;
    *header = (fed_block_header_t){
        .shape = *shape,
        .train_count = shape->train_count,
        .test_count = shape->test_count,
        .features = features_of(shape),
    };
    uint32_t *columns = (uint32_t *)(void *)(base + at.columns);
    FED_TRY(fed_clean(config, header, &train, &test, columns));
    if (header->shape.classes == 0) {
        size_t in_train = largest_label(&train, header->train_count);
        size_t in_test = largest_label(&test, header->test_count);
        header->shape.classes = 1 + (in_train > in_test ? in_train : in_test);
    }
    fed_normalize(config, header, &train);
    return FED_OK;
}

fed_dataset_t fed_dataset_attach(const void *block) {
    const fed_block_header_t *header = block;
    layout_t at = layout_of(&header->shape);
    const char *base = block;
    bool whole = header->dropped_features == 0; /* else there is no image any more */
    fed_samples_t samples = {
        .count = header->train_count - header->validation_count,
        .features = header->features,
        .channels = whole ? header->shape.channels : 1,
        .type = header->shape.type,
        .values = base + at.train_values,
        .labels = (const int32_t *)(const void *)(base + at.train_labels),
        .scale = header->scale,
        .shift = header->shift,
    };
    fed_dataset_t dataset = {
        .train = samples,
        .validation = samples,
        .test = samples,
        .train_clients = header->shape.names_clients
                             ? (const int32_t *)(const void *)(base + at.train_clients)
                             : NULL,
        .channels = samples.channels,
        .height = whole ? header->shape.height : 1,
        .width = whole ? header->shape.width : header->features,
        .classes = header->shape.classes,
        .dropped_samples = header->dropped_samples,
        .dropped_features = header->dropped_features,
        .feature_of_columns = (const uint32_t *)(const void *)(base + at.columns),
    };
    size_t sample_bytes = samples.features * fed_value_bytes(samples.type);
    dataset.validation.count = header->validation_count;
    dataset.validation.values = base + at.train_values + samples.count * sample_bytes;
    dataset.validation.labels = samples.labels + samples.count;
    dataset.test.count = header->test_count;
    dataset.test.values = base + at.test_values;
    dataset.test.labels = (const int32_t *)(const void *)(base + at.test_labels);
    return dataset;
}
