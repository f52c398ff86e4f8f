/* Cleaning a block while it is filled. */
#ifndef FEDMPI_DATA_CLEAN_H
#define FEDMPI_DATA_CLEAN_H

#include "fedmpi/data/dataset.h"

#define FED_CHANNELS_MAX 16

/* The start of a data set's block. */
typedef struct fed_block_header {
    fed_dataset_shape_t shape; /* as measured: the layout of the block */
    size_t train_count;        /* after cleaning, the validation samples included */
    size_t validation_count;
    size_t test_count;
    size_t features; /* after cleaning */
    size_t dropped_samples, dropped_features;
    float scale[FED_CHANNELS_MAX], shift[FED_CHANNELS_MAX];
} fed_block_header_t;

static inline size_t fed_value_bytes(fed_value_type_t type) {
    return type == FED_VALUES_FLOAT32 ? sizeof(float) : 1;
}

/* Drop samples with values that are missing (NaN) or impossible (infinite), then,
 * if asked for, features that are constant over the training samples. Compacts the
 * values in place, counts in the header, writes columns[features]. */
fed_status_t fed_clean(const fed_config_t *config, fed_block_header_t *header,
                       fed_raw_samples_t *train, fed_raw_samples_t *test, uint32_t *columns);

#endif
