/** Files of named arrays, as those who read them see them.
 *
 * A format is one const struct of functions. io implements HDF5 and app hands it to
 * data, so that neither of the two layers knows the other. All functions are local.
 */
#ifndef FEDMPI_CORE_ARRAYS_H
#define FEDMPI_CORE_ARRAYS_H

#include "fedmpi/core/error.h"

#include <stdbool.h>
#include <stddef.h>

#define FED_ARRAY_DIMENSIONS_MAX 8

/** What the numbers of an array are in the file. */
typedef enum fed_array_kind {
    FED_ARRAY_OF_BYTES,    /**< unsigned, 8 bits */
    FED_ARRAY_OF_INTEGERS, /**< any other integer type */
    FED_ARRAY_OF_REALS,    /**< floating point of any precision */
    FED_ARRAY_OF_TEXTS,    /**< strings */
    FED_ARRAY_OF_OTHERS,   /**< structs, ...: cannot be read */
} fed_array_kind_t;

/** What they are converted to. */
typedef enum fed_array_number {
    FED_ARRAY_UINT8,
    FED_ARRAY_INT64,
    FED_ARRAY_FLOAT32,
    FED_ARRAY_FLOAT64,
    FED_ARRAY_TEXT /**< char[FED_ARRAY_TEXT_BYTES], ends with a zero; longer ones are refused */
} fed_array_number_t;

#define FED_ARRAY_TEXT_BYTES 64

typedef struct fed_array_shape {
    fed_array_kind_t kind;
    size_t dimensions; /**< 0 .. FED_ARRAY_DIMENSIONS_MAX */
    size_t sizes[FED_ARRAY_DIMENSIONS_MAX];
} fed_array_shape_t;

typedef struct fed_array_file fed_array_file_t;

/** An array's name is its path in the file. With one * in place of a part it stands for the
 * arrays of all groups there, in the order of their names, one behind the other along the
 * first dimension: "/examples/ * /label" (without the spaces). */
typedef struct fed_array_format {
    /** FED_INPUT if it cannot be read; else the caller closes it. */
    fed_status_t (*open)(const char *path, fed_array_file_t **file);
    void (*close)(fed_array_file_t *file); /**< NULL is fine */
    bool (*exists)(fed_array_file_t *file, const char *name);
    /** FED_INPUT, naming the file, if there is no such array. */
    fed_status_t (*measure)(fed_array_file_t *file, const char *name, fed_array_shape_t *shape);
    /** Read entries first .. first+entries-1 along the first dimension.
     * @param width   numbers in an entry, the product of the other sizes as it was measured;
     *                FED_INPUT if it has changed
     * @param values  [out] [entries][width] of `number` */
    fed_status_t (*read)(fed_array_file_t *file, const char *name, size_t first, size_t entries,
                         size_t width, fed_array_number_t number, void *values);
    /** How many entries each of the arrays has that a name with a * stands for.
     * @param entries  [out] [count], the caller frees it */
    fed_status_t (*split)(fed_array_file_t *file, const char *name, size_t **entries,
                          size_t *count);
} fed_array_format_t;

#endif
