/* Cleaning: broken samples and useless features. */
#include "clean.h"

#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"

#include <math.h>
#include <string.h>

static bool all_finite(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Move the samples without missing values to the front; returns how many. */
static size_t keep_finite_samples(fed_raw_samples_t *samples, size_t count, size_t features) {
    float *values = samples->values;
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (!all_finite(values + i * features, features))
            continue;
        memmove(values + left * features, values + i * features, features * sizeof *values);
        if (samples->client_of)
            samples->client_of[left] = samples->client_of[i];
        samples->labels[left++] = samples->labels[i];
    }
    return left;
}

/* Which features differ somewhere: columns[] gets their positions. */
static size_t find_varying_features(const fed_raw_samples_t *samples, size_t count, size_t features,
                                    size_t bytes, uint32_t *columns) {
    FED_AUTOFREE bool *varies = FED_NEW_ARRAY(bool, features);
    const char *first = samples->values;
    for (size_t i = 1; i < count; i++)
        for (size_t f = 0; f < features; f++)
            varies[f] |= memcmp(first + f * bytes, first + (i * features + f) * bytes, bytes) != 0;
    size_t left = 0;
    for (size_t f = 0; f < features; f++)
        if (varies[f])
            columns[left++] = (uint32_t)f;
    return left;
}

static void keep_columns(fed_raw_samples_t *samples, size_t count, size_t features, size_t bytes,
                         const uint32_t *columns, size_t left) {
    char *to = samples->values;
    const char *from = samples->values;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < left; c++, to += bytes)
            memmove(to, from + (i * features + columns[c]) * bytes, bytes);
}

fed_status_t fed_clean(const fed_config_t *config, fed_block_header_t *header,
                       fed_raw_samples_t *train, fed_raw_samples_t *test, uint32_t *columns) {
    size_t features = header->features,
           validation = (size_t)fed_data_options(config)->validation_samples;
    if (header->shape.type == FED_VALUES_FLOAT32) {
        size_t before = header->train_count + header->test_count;
        header->train_count = keep_finite_samples(train, header->train_count, features);
        header->test_count = keep_finite_samples(test, header->test_count, features);
        header->dropped_samples = before - header->train_count - header->test_count;
    }
    if (header->train_count <= validation || header->test_count == 0)
        return fed_config_fail(config, "data.path",
                               "after dropping %zu samples with missing or impossible values, %zu "
                               "training and %zu test samples are left",
                               header->dropped_samples, header->train_count, header->test_count);
    if (header->dropped_samples > 0)
        fed_warn(
            "%s: %zu samples have missing or impossible values and are left out; %zu for "
            "training and %zu for the test remain",
            fed_data_options(config)->path, header->dropped_samples, header->train_count,
            header->test_count);
    header->validation_count = validation;

    for (size_t f = 0; f < features; f++)
        columns[f] = (uint32_t)f;
    if (!fed_data_options(config)->drop_constant_features)
        return FED_OK;
    size_t bytes = fed_value_bytes(header->shape.type);
    size_t left =
        find_varying_features(train, header->train_count - validation, features, bytes, columns);
    if (left == 0)
        return fed_config_fail(config, "data.drop_constant_features",
                               "all %zu features are constant", features);
    keep_columns(train, header->train_count, features, bytes, columns, left);
    keep_columns(test, header->test_count, features, bytes, columns, left);
    header->features = left;
    header->dropped_features = features - left;
    return FED_OK;
}
