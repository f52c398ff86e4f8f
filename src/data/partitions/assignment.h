/* partition.file: which client each training sample belongs to, written by somebody else. */
#ifndef FEDMPI_DATA_PARTITIONS_ASSIGNMENT_H
#define FEDMPI_DATA_PARTITIONS_ASSIGNMENT_H

#include "fedmpi/config/config.h"
#include "fedmpi/core/arrays.h"

#include <stdbool.h>
#include <stdint.h>

/* partition.file, for schemes that follow it. */
extern const fed_key_group_t fed_assignment_keys;

/* Is the partition one that reads a file? */
bool fed_assignment_is_used(const fed_config_t *config);

/* Read the file: HDF5 with a data set /client, or text with one number a line.
 * @param count    [in]  training samples; with data.train_limit the file may have more
 * @param clients  [out] [count]: client of each, -1: nobody's
 * FED_INPUT names the file, the line and what is accepted. */
fed_status_t fed_assignment_read(const fed_config_t *config, const fed_array_format_t *arrays,
                                 size_t count, int32_t *client_of);

#endif
