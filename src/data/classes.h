/* The classes of a data set that does not say how many it has. */
#ifndef FEDMPI_DATA_CLASSES_H
#define FEDMPI_DATA_CLASSES_H

#include "fedmpi/data/dataset.h"

/* Make the labels of both sets 0 .. classes-1: those that count from 1 are counted from 0.
 * FED_INPUT where one label is so far off that most classes would be empty.
 * @param classes  [out] one more than the largest label */
fed_status_t fed_classes_settle(const fed_config_t *config, fed_raw_samples_t *train,
                                size_t train_count, fed_raw_samples_t *test, size_t test_count,
                                size_t *classes);

#endif
