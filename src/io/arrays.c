/* Reading HDF5 files from disk, row by row. Every failure is the file's. */
#include "fedmpi/io/arrays.h"

#include "fedmpi/core/memory.h"
#include "handles.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct fed_array_file {
    hid_t file;
    char *path;
};

static fed_status_t open_file(const char *path, fed_array_file_t **file) {
    if (access(path, R_OK) != 0)
        return fed_fail(FED_INPUT, "%s: cannot read: %s", path, strerror(errno));
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* messages are ours to print */
    char reason[256];
    hid_t opened = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (opened < 0)
        return fed_fail(FED_INPUT, "%s: not a readable HDF5 file: %s", path,
                        fed_last_reason(reason));
    *file = FED_NEW(fed_array_file_t);
    **file = (fed_array_file_t){opened, fed_strdup(path)};
    return FED_OK;
}

static void close_file(fed_array_file_t *file) {
    if (!file)
        return;
    H5Fclose(file->file);
    fed_free(file->path);
    fed_free(file);
}

static bool exists(fed_array_file_t *file, const char *name) {
    AUTOCLOSE set = H5Dopen2(file->file, name, H5P_DEFAULT);
    return set >= 0;
}

static fed_array_kind_t kind_of(hid_t type) {
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_FLOAT)
        return FED_ARRAY_OF_REALS;
    if (class != H5T_INTEGER)
        return FED_ARRAY_OF_OTHERS;
    return H5Tget_size(type) == 1 && H5Tget_sign(type) == H5T_SGN_NONE ? FED_ARRAY_OF_BYTES
                                                                       : FED_ARRAY_OF_INTEGERS;
}

static fed_status_t measure(fed_array_file_t *file, const char *name, fed_array_shape_t *shape) {
    AUTOCLOSE set = H5Dopen2(file->file, name, H5P_DEFAULT);
    if (set < 0)
        return fed_fail(FED_INPUT, "%s: there is no data set %s", file->path, name);
    AUTOCLOSE type = H5Dget_type(set);
    AUTOCLOSE space = H5Dget_space(set);
    int dimensions = H5Sget_simple_extent_ndims(space);
    if (dimensions < 0 || dimensions > FED_ARRAY_DIMENSIONS_MAX)
        return fed_fail(FED_INPUT, "%s: %s has %d dimensions, accepted is at most %d", file->path,
                        name, dimensions, FED_ARRAY_DIMENSIONS_MAX);
    hsize_t sizes[FED_ARRAY_DIMENSIONS_MAX] = {0};
    H5Sget_simple_extent_dims(space, sizes, NULL);
    *shape = (fed_array_shape_t){.kind = kind_of(type), .dimensions = (size_t)dimensions};
    for (int d = 0; d < dimensions; d++)
        shape->sizes[d] = sizes[d];
    return FED_OK;
}

static hid_t type_of(fed_array_number_t number) {
    switch (number) {
    case FED_ARRAY_UINT8:
        return H5T_NATIVE_UINT8;
    case FED_ARRAY_INT64:
        return H5T_NATIVE_INT64;
    case FED_ARRAY_FLOAT32:
        return H5T_NATIVE_FLOAT;
    }
    return -1;
}

static herr_t read_rows(hid_t set, size_t first, size_t rows, hid_t type, void *values) {
    AUTOCLOSE space = H5Dget_space(set);
    hsize_t start[FED_ARRAY_DIMENSIONS_MAX] = {first}, count[FED_ARRAY_DIMENSIONS_MAX];
    int dimensions = H5Sget_simple_extent_dims(space, count, NULL);
    count[0] = rows;
    AUTOCLOSE memory = H5Screate_simple(dimensions, count, NULL);
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0)
        return -1;
    return H5Dread(set, type, memory, space, H5P_DEFAULT, values);
}

static fed_status_t read_array(fed_array_file_t *file, const char *name, size_t first, size_t rows,
                               fed_array_number_t number, void *values) {
    char reason[256];
    AUTOCLOSE set = H5Dopen2(file->file, name, H5P_DEFAULT);
    if (set < 0 || read_rows(set, first, rows, type_of(number), values) < 0)
        return fed_fail(FED_INPUT, "%s: cannot read %s: %s", file->path, name,
                        fed_last_reason(reason));
    return FED_OK;
}

const fed_array_format_t fed_hdf5_arrays = {
    .open = open_file,
    .close = close_file,
    .exists = exists,
    .measure = measure,
    .read = read_array,
};
