/* Measuring, filling and viewing a data set's block. */
#include "data/sources/sources.h"

#include "classes.h"
#include "clean.h"
#include "data/normalizations/normalizations.h"
#include "data/partitions/assignment.h"
#include "fedmpi/core/installed.h"
#include "fedmpi/core/memory.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

const fed_plugin_table_t fed_sources = FED_PLUGIN_TABLE("data set", FED_SOURCES);

/* clang-format off */
static const fed_key_t keys[] = {
    FED_NAME(fed_data_options_t, dataset, &fed_sources, "mnist", "the data set, see --list"),
    FED_PATH(fed_data_options_t, path, "", "folder of the data files, for hdf5 and tff the file; empty: data/ and the data set's name",
             .resumable = true),
    FED_NAME(fed_data_options_t, normalize, &fed_normalizations, "unit", "unit: x/255; standard: mean 0 and deviation 1 over the training set; none: as stored"),
    FED_INTEGER(fed_data_options_t, train_limit, 0, FED_COUNT_MAX, "0", "use the first N training samples; 0: all"),
    FED_INTEGER(fed_data_options_t, validation_samples, 0, FED_COUNT_MAX, "0", "keep the last N of the training samples for validation"),
    FED_BOOLEAN(fed_data_options_t, drop_constant_features, "false", "leave out features that are the same in every training sample"),
};
/* clang-format on */

const fed_key_group_t fed_data_keys = FED_KEY_GROUP("data", fed_data_options_t, keys);

const fed_source_t *fed_source_of(const fed_config_t *config) {
    return (const fed_source_t *)fed_data_options(config)->dataset;
}

/* What needs all samples at once cannot be had where none is stored. */
static fed_status_t check_generated(const fed_config_t *config) {
    const struct {
        const char *key;
        bool is_set;
    } needs[] = {
        {"data.train_limit", fed_data_options(config)->train_limit > 0},
        {"data.validation_samples", fed_data_options(config)->validation_samples > 0},
        {"data.drop_constant_features", fed_data_options(config)->drop_constant_features},
        {"data.normalize", fed_normalization_of(config)->measures},
    };
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (needs[i].is_set)
            return fed_config_fail(config, needs[i].key,
                                   "not with data.dataset = %s, which generates its samples",
                                   fed_data_options(config)->dataset->name);
    return FED_OK;
}

/* Told here, because only the configuration knows where the user wrote it. */
static fed_status_t check_path(const fed_config_t *config, const fed_source_t *source) {
    if (access(fed_data_options(config)->path, R_OK) == 0)
        return FED_OK;
    const char *reason = strerror(errno);
    if (source->is_fetched) {
        FED_AUTOFREE char *script = fed_installed("jobs/setup/data.sh");
        FED_AUTOFREE char *command =
            script ? fed_format("sh %s ", script) : fed_strdup("make data DATASET=");
        return fed_config_fail(config, "data.path", "cannot open: %s; `%s%s` fetches it", reason,
                               command, source->plugin.name);
    }
    return fed_config_fail(config, "data.path", "cannot open: %s", reason);
}

static bool begins_with_path(const char *message, const char *path) {
    size_t length = strlen(path);
    return strncmp(message, path, length) == 0 && message[length] == ':';
}

/* A folder or file that another set's configuration named. */
static fed_status_t measure_files(const fed_config_t *config, const fed_source_t *source,
                                  const fed_array_format_t *arrays, fed_dataset_shape_t *shape) {
    fed_status_t status = source->measure(source, config, arrays, shape);
    if (status != FED_INPUT || strstr(fed_error_message(), "data.path"))
        return status;
    FED_AUTOFREE char *reason = fed_strdup(fed_error_message());
    if (begins_with_path(reason, fed_data_options(config)->path))
        return fed_fail(FED_INPUT, "%s (looked for data.dataset = %s)", reason,
                        source->plugin.name);
    return fed_fail(FED_INPUT, "%s (looked for data.dataset = %s in data.path = %s)", reason,
                    source->plugin.name, fed_data_options(config)->path);
}

fed_status_t fed_dataset_measure(const fed_config_t *config, const fed_array_format_t *arrays,
                                 fed_dataset_shape_t *shape) {
    const fed_source_t *source = fed_source_of(config);
    if (source->generate) {
        FED_TRY(source->measure(source, config, arrays, shape));
    } else {
        FED_TRY(check_path(config, source));
        FED_TRY(measure_files(config, source, arrays, shape));
    }
    if (shape->generated_clients > 0)
        return check_generated(config);
    shape->names_clients |= fed_assignment_is_used(config);
    size_t limit = (size_t)fed_data_options(config)->train_limit;
    if (limit > shape->train_count)
        return fed_config_fail(config, "data.train_limit", "the training set has %zu samples",
                               shape->train_count);
    if (limit > 0)
        shape->train_count = limit;
    if ((size_t)fed_data_options(config)->validation_samples >= shape->train_count)
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
    size_t train_values, train_labels, train_client_of, generated_first, test_values, test_labels,
        columns, end;
} layout_t;

static layout_t layout_of(const fed_dataset_shape_t *shape) {
    size_t sample_bytes = features_of(shape) * fed_value_bytes(shape->type);
    layout_t at;
    at.train_values = aligned(sizeof(fed_block_header_t));
    size_t stored = shape->generated_clients > 0 ? 0 : shape->train_count;
    size_t named = shape->names_clients ? stored : 0;
    size_t firsts = shape->generated_clients > 0 ? shape->generated_clients + 1 : 0;
    at.train_labels = at.train_values + aligned(stored * sample_bytes);
    at.train_client_of = at.train_labels + aligned(stored * sizeof(int32_t));
    at.generated_first = at.train_client_of + aligned(named * sizeof(int32_t));
    at.test_values = at.generated_first + aligned(firsts * sizeof(size_t));
    at.test_labels = at.test_values + aligned(shape->test_count * sample_bytes);
    at.columns = at.test_labels + aligned(shape->test_count * sizeof(int32_t));
    at.end = at.columns + aligned(features_of(shape) * sizeof(uint32_t));
    return at;
}

size_t fed_dataset_block_bytes(const fed_dataset_shape_t *shape) {
    return layout_of(shape).end;
}

static fed_raw_samples_t train_arrays(const fed_dataset_shape_t *shape, void *block) {
    layout_t at = layout_of(shape);
    char *base = block;
    if (shape->generated_clients > 0)
        return (fed_raw_samples_t){.first = (size_t *)(void *)(base + at.generated_first)};
    return (fed_raw_samples_t){
        .values = base + at.train_values,
        .labels = (int32_t *)(void *)(base + at.train_labels),
        .client_of = shape->names_clients ? (int32_t *)(void *)(base + at.train_client_of) : NULL,
    };
}

fed_status_t fed_dataset_fill(const fed_config_t *config, const fed_array_format_t *arrays,
                              const fed_dataset_shape_t *shape, void *block) {
    const fed_source_t *source = fed_source_of(config);
    layout_t at = layout_of(shape);
    char *base = block;
    fed_raw_samples_t train = train_arrays(shape, block);
    fed_raw_samples_t test = {
        .values = base + at.test_values,
        .labels = (int32_t *)(void *)(base + at.test_labels),
    };
    FED_TRY(source->read(source, config, arrays, shape, &train, &test));
    if (fed_assignment_is_used(config))
        FED_TRY(fed_assignment_read(config, arrays, shape->train_count, train.client_of));

    fed_block_header_t *header = block;
    *header = (fed_block_header_t){
        .shape = *shape,
        .train_count = shape->train_count,
        .test_count = shape->test_count,
        .features = features_of(shape),
    };
    uint32_t *columns = (uint32_t *)(void *)(base + at.columns);
    if (shape->generated_clients > 0) {
        header->scale[0] = 1;
        return FED_OK;
    }
    FED_TRY(fed_clean(config, header, &train, &test, columns));
    if (header->shape.classes == 0)
        FED_TRY(fed_classes_settle(config, &train, header->train_count, &test, header->test_count,
                                   &header->shape.classes));
    fed_normalize(config, header, &train);
    return FED_OK;
}

size_t fed_dataset_parts(const fed_config_t *config, const void *block,
                         fed_dataset_part_t parts[FED_DATASET_PARTS]) {
    const fed_block_header_t *header = block;
    layout_t at = layout_of(&header->shape);
    const char *base = block;
    const char *assigned = fed_assignment_is_used(config) ? "partition.file" : "data.path";
    const struct {
        const char *what, *key;
        size_t begin, end;
    } arrays[FED_DATASET_PARTS] = {
        {"training samples", "data.path", at.train_values, at.train_labels},
        {"training labels", "data.path", at.train_labels, at.train_client_of},
        {"clients of training samples", assigned, at.train_client_of, at.generated_first},
        {"sizes of clients", "data.path", at.generated_first, at.test_values},
        {"test samples", "data.path", at.test_values, at.test_labels},
        {"test labels", "data.path", at.test_labels, at.columns},
    };
    size_t count = 0;
    for (size_t i = 0; i < FED_DATASET_PARTS; i++)
        if (arrays[i].end > arrays[i].begin)
            parts[count++] =
                (fed_dataset_part_t){arrays[i].what, arrays[i].key, base + arrays[i].begin,
                                     arrays[i].end - arrays[i].begin};
    return count;
}

/* A data set without stored training samples: views that point nowhere are made NULL. */
static void attach_generator(const fed_config_t *config, const fed_block_header_t *header,
                             fed_dataset_t *dataset) {
    size_t clients = header->shape.generated_clients;
    if (clients == 0)
        return;
    const char *base = (const char *)header;
    dataset->generated_clients = clients;
    dataset->generated_first =
        (const size_t *)(const void *)(base + layout_of(&header->shape).generated_first);
    dataset->train.values = dataset->train.labels = NULL;
    dataset->train.generator =
        fed_source_of(config)->generate(config, dataset->generated_first, clients);
}

void fed_dataset_detach(fed_dataset_t *dataset) {
    fed_free(dataset->train.generator);
    *dataset = (fed_dataset_t){0};
}

fed_dataset_t fed_dataset_attach(const fed_config_t *config, const void *block) {
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
        .train_client_of = header->shape.names_clients
                               ? (const int32_t *)(const void *)(base + at.train_client_of)
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
    attach_generator(config, header, &dataset);
    return dataset;
}
