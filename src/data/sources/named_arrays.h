/* Samples out of files of named arrays, in the forms in which people store them. */
#ifndef FEDMPI_DATA_SOURCES_NAMED_ARRAYS_H
#define FEDMPI_DATA_SOURCES_NAMED_ARRAYS_H

#include "fedmpi/data/dataset.h"

/* One file while it is looked at. */
typedef struct fed_array_input {
    const fed_array_format_t *arrays;
    fed_array_file_t *file;
    const char *path;
} fed_array_input_t;

/* An array of samples: numbers, the first dimension the samples. */
fed_status_t fed_array_measure_samples(const fed_array_input_t *input, const char *name,
                                       fed_array_shape_t *shape);

/* What a sample of such an array is, by data.layout: [features], [height][width], or with
 * channels before or behind them. FED_INPUT where that cannot be told. */
fed_status_t fed_array_sample_shape(const fed_config_t *config, const fed_array_input_t *input,
                                    const char *name, const fed_array_shape_t *array,
                                    fed_dataset_shape_t *shape);

/* Do these two hold samples of one shape and type? */
fed_status_t fed_array_check_alike(const fed_array_input_t *input, const char *name,
                                   const fed_array_shape_t *array, const fed_array_input_t *other,
                                   const char *other_name, const fed_array_shape_t *other_array);

/* The first `count` samples, as bytes or floats, channels first: values[out]. */
fed_status_t fed_array_read_samples(const fed_array_input_t *input, const char *name,
                                    const fed_array_shape_t *array,
                                    const fed_dataset_shape_t *shape, size_t count, void *values);

/* Labels of `count` samples as numbers: integers, booleans, reals without a fraction, in one
 * dimension, in a column, or one-hot. @param labels  [out] [count] */
fed_status_t fed_array_check_labels(const fed_array_input_t *input, const char *name, size_t count);
fed_status_t fed_array_read_labels(const fed_array_input_t *input, const char *name, size_t count,
                                   int32_t *labels);

/* Clients of `count` samples: integers, reals without a fraction, or names, which get numbers in
 * alphabetical order; in one dimension or in a column.
 * @param entries  [out] of the array
 * @param least [in]  smallest number that is accepted: 0, or -1 for nobody's */
fed_status_t fed_array_measure_clients(const fed_array_input_t *input, const char *name,
                                       size_t *entries);
fed_status_t fed_array_check_clients(const fed_array_input_t *input, const char *name,
                                     size_t count);
fed_status_t fed_array_read_clients(const fed_array_input_t *input, const char *name, size_t count,
                                    int32_t least, int32_t *client_of);

/* data.layout, for sources that fed_array_sample_shape reads. */
extern const fed_key_group_t fed_layout_keys;

#endif
