/** IDX files, plain or gzipped: the format of MNIST and its relatives.
 *
 * A header (two zero bytes, a type, the number of dimensions, each dimension as a
 * big-endian 32-bit integer), then the values, big-endian. Files are hostile until
 * checked: a header is believed only as far as the file's true size bears it out.
 */
#ifndef FEDMPI_DATA_IDX_H
#define FEDMPI_DATA_IDX_H

#include "fedmpi/core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FED_IDX_DIMENSIONS 4

/** What the values are in the file. */
typedef enum fed_idx_type {
    FED_IDX_UINT8 = 0x08,
    FED_IDX_INT8 = 0x09,
    FED_IDX_INT16 = 0x0B,
    FED_IDX_INT32 = 0x0C,
    FED_IDX_FLOAT32 = 0x0D,
    FED_IDX_FLOAT64 = 0x0E
} fed_idx_type_t;

typedef struct fed_idx_header {
    fed_idx_type_t type;
    size_t dimensions;                /**< 1 .. FED_IDX_DIMENSIONS */
    size_t sizes[FED_IDX_DIMENSIONS]; /**< unused ones are 1 */
    bool little_endian; /**< the values, against the format; a header is read with false */
} fed_idx_header_t;

/** Read and check the header against the file's size. */
fed_status_t fed_idx_read_header(const char *path, fed_idx_header_t *header);

/** Read the first `entries` entries of the values: bytes as they are, any other type as float.
 * @param header  what fed_idx_read_header gave for this file; little_endian may be set
 * @param values  [out] [entries][product of the other sizes] of uint8_t if header->type is
 *                FED_IDX_UINT8, else of float
 * FED_INPUT when the file is truncated or goes on after its last value. */
fed_status_t fed_idx_read_values(const char *path, const fed_idx_header_t *header, size_t entries,
                                 void *values);

#endif
