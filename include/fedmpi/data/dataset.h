/** Data sets: samples with class labels, held once per node as the bytes they came in.
 *
 * A data set lives in one block of memory: a header, then values and labels. The
 * leader of a node measures the files, all ranks of the node map a shared block of
 * that size, the leader fills it, and every rank attaches a view. Nothing in the
 * block is a pointer.
 */
#ifndef FEDMPI_DATA_DATASET_H
#define FEDMPI_DATA_DATASET_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/core/arrays.h"

#include <stddef.h>
#include <stdint.h>

/** [data]: what every data set has. */
typedef struct fed_data_options {
    const fed_plugin_t *dataset; /**< a fed_source_t */
    const char *path;
    const fed_plugin_t *normalize; /**< how stored values become features */
    int64_t train_limit, validation_samples;
    bool drop_constant_features;
} fed_data_options_t;

FED_DECLARE_OPTIONS(fed_data)

typedef enum fed_value_type { FED_VALUES_UINT8, FED_VALUES_FLOAT32 } fed_value_type_t;

/** What the files say before any sample is read. */
typedef struct fed_dataset_shape {
    size_t train_count, test_count; /**< samples; train: after data.train_limit */
    size_t channels, height, width; /**< a sample is [channels][height][width] */
    size_t classes;                 /**< 0: the largest label will tell */
    fed_value_type_t type;
    size_t generated_clients; /**< whose samples are computed, not stored; 0: samples are stored */
    bool names_clients;       /**< each training sample comes with the number of its client */
} fed_dataset_shape_t;

/** Where a source writes: entry i of values is sample i. */
typedef struct fed_raw_samples {
    void *values;       /**< [count][channels*height*width] of the shape's type */
    int32_t *labels;    /**< [count] */
    size_t *first;      /**< [shape.generated_clients + 1], zeroed: where each client's samples
                             start; then values and labels are NULL. NULL: stored, or test */
    int32_t *client_of; /**< [count], not below 0; NULL: shape.names_clients is false, or test */
} fed_raw_samples_t;

/** Samples that are computed from their positions when they are asked for. One a process:
 * it may remember what it computed last. Freed by fed_free. */
typedef struct fed_generator fed_generator_t;
struct fed_generator {
    /** @param x  [out] [features], decoded; @param label  [out] one */
    void (*sample)(fed_generator_t *self, size_t index, float *x, int32_t *label);
};

typedef struct fed_source fed_source_t;

/** A kind of data set: one const struct a file. All functions are local. */
struct fed_source {
    fed_plugin_t plugin;
    /** Read the headers; FED_INPUT names the file and what is wrong with it.
     * @param arrays  how files of named arrays are read */
    fed_status_t (*measure)(const fed_source_t *self, const fed_config_t *config,
                            const fed_array_format_t *arrays, fed_dataset_shape_t *shape);
    /** Read the samples; `shape` is what measure gave, train_count maybe lowered. */
    fed_status_t (*read)(const fed_source_t *self, const fed_config_t *config,
                         const fed_array_format_t *arrays, const fed_dataset_shape_t *shape,
                         fed_raw_samples_t *train, fed_raw_samples_t *test);
    /** Optional, where shape.generated_clients is not 0: the training samples.
     * @param first  [clients + 1] as read wrote it, borrowed */
    fed_generator_t *(*generate)(const fed_config_t *config, const size_t *first, size_t clients);
    size_t classes;  /**< that its labels must lie below; 0: any */
    bool is_fetched; /**< `make data DATASET=name` brings it */
};

/** The table behind data.dataset. */
extern const fed_plugin_table_t fed_sources;

/** The source that the configuration names. */
const fed_source_t *fed_source_of(const fed_config_t *config);

/** A view on samples; borrowed from the data set's block. Read them through
 * fed_samples_gather and fed_samples_slice: they need not be stored. */
typedef struct fed_samples {
    size_t count;
    size_t features; /**< numbers a sample, channels*height*width */
    size_t channels;
    fed_value_type_t type;
    const void *values;         /**< [count][features] */
    const int32_t *labels;      /**< [count], 0 .. classes-1 */
    const float *scale;         /**< [channels]: a decoded value is stored*scale + shift */
    const float *shift;         /**< [channels] */
    fed_generator_t *generator; /**< NULL: stored; else values and labels are NULL */
    const struct fed_transform *transform; /**< of each client's own; NULL: as stored */
} fed_samples_t;

typedef struct fed_dataset {
    fed_samples_t train;      /**< without the validation samples */
    fed_samples_t validation; /**< the last data.validation_samples; may be empty */
    fed_samples_t test;
    const int32_t
        *train_client_of;          /**< [train.count]: the client of each training sample as the
                                      data set or partition.file has it, -1: nobody's; NULL: not said */
    const size_t *generated_first; /**< [generated_clients + 1]: where each client's generated
                                        samples start; NULL: samples are stored */
    size_t generated_clients;
    size_t channels, height, width;
    size_t classes;
    size_t dropped_samples;             /**< had a missing or impossible value */
    size_t dropped_features;            /**< constant over the training samples */
    const uint32_t *feature_of_columns; /**< [features]: position in the file's sample */
} fed_dataset_t;

/** Headers only: how large the data set is. */
fed_status_t fed_dataset_measure(const fed_config_t *config, const fed_array_format_t *arrays,
                                 fed_dataset_shape_t *shape);

/** Bytes of the block for a data set of this shape. */
size_t fed_dataset_block_bytes(const fed_dataset_shape_t *shape);

/** Read, clean and normalise into block[fed_dataset_block_bytes(shape)], zeroed before. */
fed_status_t fed_dataset_fill(const fed_config_t *config, const fed_array_format_t *arrays,
                              const fed_dataset_shape_t *shape, void *block);

/** An array of a block, and the key of the file that it is from. */
typedef struct fed_dataset_part {
    const char *what, *key;
    const void *bytes;
    size_t size;
} fed_dataset_part_t;

#define FED_DATASET_PARTS 6

/** The arrays of a filled block: where these are the same, the data sets are.
 * @param parts  [out] as many as are returned */
size_t fed_dataset_parts(const fed_config_t *config, const void *block,
                         fed_dataset_part_t parts[FED_DATASET_PARTS]);

/** A view on a filled block, valid as long as the block; fed_dataset_detach ends it. */
fed_dataset_t fed_dataset_attach(const fed_config_t *config, const void *block);
void fed_dataset_detach(fed_dataset_t *dataset);

/** Decode samples into a batch.
 * @param index   [in]  which samples, [batch]
 * @param x       [out] [batch][features]
 * @param labels  [out] [batch] */
void fed_samples_gather(const fed_samples_t *samples, const uint32_t *index, size_t batch, float *x,
                        int32_t *labels);

/** Decode the samples first .. first+batch-1. */
void fed_samples_slice(const fed_samples_t *samples, size_t first, size_t batch, float *x,
                       int32_t *labels);

/** Share of decoded values that are not zero, of the first 1,000 samples. */
double fed_samples_density(const fed_samples_t *samples);

#endif
