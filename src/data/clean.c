/* Cleaning: broken samples and useless features; normalisation. */
#include "clean.h"

#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"

#include <math.h>
#include <string.h>

#define REALS_UP_TO 16 /* features beyond are hardly scaled for training */

static bool all_finite(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Move the samples without missing values to the front; returns how many. */
static size_t keep_finite_samples(fed_raw_samples_t *samples, size_t count, size_t features) {
    float *values = samples->values;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!all_finite(values + i * features, features))
            continue;
        memmove(values + kept * features, values + i * features, features * sizeof *values);
        if (samples->clients)
            samples->clients[kept] = samples->clients[i];
        samples->labels[kept++] = samples->labels[i];
    }
    return kept;
}

/* Which features differ somewhere: columns[] gets their positions. */
static size_t find_varying_features(const fed_raw_samples_t *samples, size_t count, size_t features,
                                    size_t bytes, uint32_t *columns) {
    FED_AUTOFREE bool *varies = FED_NEW_ARRAY(bool, features);
    const char *first = samples->values;
    for (size_t i = 1; i < count; i++)
        for (size_t f = 0; f < features; f++)
            varies[f] |= memcmp(first + f * bytes, first + (i * features + f) * bytes, bytes) != 0;
    size_t kept = 0;
    for (size_t f = 0; f < features; f++)
        if (varies[f])
            columns[kept++] = (uint32_t)f;
    return kept;
}

static void keep_columns(fed_raw_samples_t *samples, size_t count, size_t features, size_t bytes,
                         const uint32_t *columns, size_t kept) {
    char *to = samples->values;
    const char *from = samples->values;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < kept; c++, to += bytes)
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
    size_t kept =
        find_varying_features(train, header->train_count - validation, features, bytes, columns);
    if (kept == 0)
        return fed_config_fail(config, "data.drop_constant_features",
                               "all %zu features are constant", features);
    keep_columns(train, header->train_count, features, bytes, columns, kept);
    keep_columns(test, header->test_count, features, bytes, columns, kept);
    header->features = kept;
    header->dropped_features = features - kept;
    return FED_OK;
}

static double stored_value(const fed_raw_samples_t *samples, fed_value_type_t type, size_t at) {
    return type == FED_VALUES_FLOAT32 ? ((const float *)samples->values)[at]
                                      : ((const uint8_t *)samples->values)[at];
}

/* Mean and standard deviation of one channel, two passes in double. */
static void measure_channel(const fed_block_header_t *header, const fed_raw_samples_t *train,
                            size_t plane, size_t first, double *mean, double *deviation) {
    size_t count = header->train_count - header->validation_count;
    double values = (double)count * (double)plane, sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t f = first; f < first + plane; f++)
            sum += stored_value(train, header->shape.type, i * header->features + f);
    *mean = sum / values;
    for (size_t i = 0; i < count; i++)
        for (size_t f = first; f < first + plane; f++) {
            double off = stored_value(train, header->shape.type, i * header->features + f) - *mean;
            squares += off * off;
        }
    *deviation = sqrt(squares / values);
}

/* Reals are taken as they are, also under unit, which divides bytes: pixels that were stored
 * as reals from 0 to 255 train to chance. */
static void warn_of_pixels(const fed_config_t *config, const fed_block_header_t *header,
                           const fed_raw_samples_t *train) {
    const float *values = train->values;
    float smallest = 0, largest = 0;
    if (fed_data_options(config)->normalize != FED_NORMALIZE_UNIT ||
        header->shape.type != FED_VALUES_FLOAT32)
        return;
    for (size_t i = 0; i < header->train_count * header->features; i++) {
        smallest = fminf(smallest, values[i]);
        largest = fmaxf(largest, values[i]);
    }
    if (largest > REALS_UP_TO || smallest < -REALS_UP_TO)
        fed_warn(
            "%s: its features are reals from %g to %g, which data.normalize = unit does not "
            "scale; standard brings them to mean 0 and deviation 1, and bytes (uint8) are "
            "divided by 255",
            fed_data_options(config)->path, (double)smallest, (double)largest);
}

void fed_normalize(const fed_config_t *config, fed_block_header_t *header,
                   const fed_raw_samples_t *train) {
    size_t channels = header->dropped_features ? 1 : header->shape.channels;
    size_t plane = header->features / channels;
    warn_of_pixels(config, header, train);
    for (size_t c = 0; c < channels; c++) {
        header->scale[c] = 1;
        header->shift[c] = 0;
        if (fed_data_options(config)->normalize == FED_NORMALIZE_UNIT &&
            header->shape.type == FED_VALUES_UINT8)
            header->scale[c] = 1.0F / 255.0F;
        if (fed_data_options(config)->normalize == FED_NORMALIZE_STANDARD) {
            double mean, deviation;
            measure_channel(header, train, plane, c * plane, &mean, &deviation);
            double scale = deviation > 0 ? 1 / deviation : 1;
            header->scale[c] = (float)scale;
            header->shift[c] = (float)(-mean * scale);
        }
    }
}
