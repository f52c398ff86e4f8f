/* Reading HDF5 files from disk, row by row. Every failure is the file's; HDF5 works on it in
 * a process of its own, which a damaged file may crash. */
#include "fedmpi/io/arrays.h"

#include "fedmpi/core/isolate.h"
#include "fedmpi/core/memory.h"
#include "handles.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_EXPANSION 1032            /* no byte of a deflate stream stands for more */
#define HDF5_BYTES ((size_t)256 << 20) /* that HDF5 may take for itself */

struct fed_array_file {
    char *path;
    size_t bytes; /* of the file */
};

/* What a child does with the file, and where it leaves what it finds. */
typedef struct request {
    const fed_array_file_t *file;
    const char *name;
    size_t first, rows;
    fed_array_number_t number;
    void *found; /* shared with the child */
} request_t;

static fed_array_kind_t kind_of(hid_t type) {
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_FLOAT)
        return FED_ARRAY_OF_REALS;
    if (class != H5T_INTEGER)
        return FED_ARRAY_OF_OTHERS;
    return H5Tget_size(type) == 1 && H5Tget_sign(type) == H5T_SGN_NONE ? FED_ARRAY_OF_BYTES
                                                                       : FED_ARRAY_OF_INTEGERS;
}

static fed_status_t open_file(const fed_array_file_t *file, hid_t *opened) {
    H5dont_atexit();                       /* after a damaged file its clean-up may crash */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* messages are ours to print */
    H5PLset_loading_state(0);              /* no file makes us load a plug-in */
    char reason[256];
    *opened = H5Fopen(file->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (*opened >= 0)
        return FED_OK;
    return fed_fail(FED_INPUT, "%s: not a readable HDF5 file: %s", file->path,
                    fed_last_reason(reason));
}

static fed_status_t try_open(void *context) {
    hid_t opened;
    return open_file(((const request_t *)context)->file, &opened);
}

static fed_status_t look_for(void *context) {
    const request_t *request = context;
    hid_t opened;
    FED_TRY(open_file(request->file, &opened));
    *(bool *)request->found = H5Dopen2(opened, request->name, H5P_DEFAULT) >= 0;
    return FED_OK;
}

/* Bytes of the file that hold values of the data set, at most. */
static size_t stored_bytes(const fed_array_file_t *file, hid_t set, hid_t creation) {
    if (H5Pget_layout(creation) == H5D_VIRTUAL || H5Pget_external_count(creation) != 0)
        return 0;
    size_t claimed = H5Dget_storage_size(set);
    return claimed < file->bytes ? claimed : file->bytes;
}

/* Values that are stored nowhere, or elsewhere, are none: only what the file holds makes an
 * allocation, and behind a filter as much more as that can give. */
static fed_status_t check_promise(const fed_array_file_t *file, const char *name, hid_t set,
                                  const fed_array_shape_t *shape) {
    AUTOCLOSE creation = H5Dget_create_plist(set);
    AUTOCLOSE type = H5Dget_type(set);
    size_t stored = stored_bytes(file, set, creation), promised = H5Tget_size(type);
    size_t expansion = H5Pget_nfilters(creation) > 0 ? MOST_EXPANSION : 1;
    for (size_t d = 0; d < shape->dimensions; d++)
        if (__builtin_mul_overflow(promised, shape->sizes[d], &promised))
            promised = SIZE_MAX;
    if (promised / expansion > stored)
        return fed_fail(FED_INPUT, "%s: does not store all values of %s: %zu bytes hold them",
                        file->path, name, stored);
    return FED_OK;
}

static fed_status_t measure_here(void *context) {
    const request_t *request = context;
    const char *path = request->file->path, *name = request->name;
    hid_t opened;
    FED_TRY(open_file(request->file, &opened));
    hid_t set = H5Dopen2(opened, name, H5P_DEFAULT);
    if (set < 0)
        return fed_fail(FED_INPUT, "%s: there is no data set %s", path, name);
    hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    int dimensions = H5Sget_simple_extent_ndims(space);
    if (dimensions < 0 || dimensions > FED_ARRAY_DIMENSIONS_MAX)
        return fed_fail(FED_INPUT, "%s: %s has %d dimensions, accepted is at most %d", path, name,
                        dimensions, FED_ARRAY_DIMENSIONS_MAX);
    hsize_t sizes[FED_ARRAY_DIMENSIONS_MAX] = {0};
    H5Sget_simple_extent_dims(space, sizes, NULL);
    fed_array_shape_t shape = {.kind = kind_of(type), .dimensions = (size_t)dimensions};
    for (int d = 0; d < dimensions; d++)
        shape.sizes[d] = sizes[d];
    *(fed_array_shape_t *)request->found = shape;
    return check_promise(request->file, name, set, &shape);
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

static fed_status_t read_here(void *context) {
    const request_t *request = context;
    char reason[256];
    hid_t opened;
    FED_TRY(open_file(request->file, &opened));
    hid_t set = H5Dopen2(opened, request->name, H5P_DEFAULT);
    if (set >= 0 && read_rows(set, request->first, request->rows, type_of(request->number),
                              request->found) >= 0)
        return FED_OK;
    return fed_fail(FED_INPUT, "%s: cannot read %s: %s", request->file->path, request->name,
                    fed_last_reason(reason));
}

/* --- What the rest of the program calls ------------------------------------------------ */

/* Let a child do it; copies `bytes` of what it found to `into`. */
static fed_status_t ask(request_t *request, fed_status_t (*work)(void *), void *into,
                        size_t bytes) {
    request->found = fed_isolate_alloc(bytes);
    fed_status_t status =
        fed_isolate(work, request, HDF5_BYTES + 2 * request->file->bytes, request->file->path);
    if (status == FED_OK && bytes > 0)
        memcpy(into, request->found, bytes);
    fed_isolate_free(request->found, bytes);
    return status;
}

static void close_file(fed_array_file_t *file) {
    if (!file)
        return;
    fed_free(file->path);
    fed_free(file);
}

static fed_status_t open_array_file(const char *path, fed_array_file_t **file) {
    struct stat found;
    if (access(path, R_OK) != 0 || stat(path, &found) != 0)
        return fed_fail(FED_INPUT, "%s: cannot read: %s", path, strerror(errno));
    *file = FED_NEW(fed_array_file_t);
    **file = (fed_array_file_t){fed_strdup(path), (size_t)found.st_size};
    fed_status_t status = ask(&(request_t){.file = *file}, try_open, NULL, 0);
    if (status == FED_OK)
        return FED_OK;
    close_file(*file);
    *file = NULL;
    return status;
}

static bool exists(fed_array_file_t *file, const char *name) {
    bool there = false;
    return ask(&(request_t){.file = file, .name = name}, look_for, &there, sizeof there) ==
               FED_OK &&
           there;
}

static fed_status_t measure(fed_array_file_t *file, const char *name, fed_array_shape_t *shape) {
    return ask(&(request_t){.file = file, .name = name}, measure_here, shape, sizeof *shape);
}

static fed_status_t read_array(fed_array_file_t *file, const char *name, size_t first, size_t rows,
                               size_t width, fed_array_number_t number, void *values) {
    static const size_t number_bytes[] = {
        [FED_ARRAY_UINT8] = 1, [FED_ARRAY_INT64] = 8, [FED_ARRAY_FLOAT32] = 4};
    fed_array_shape_t shape;
    FED_TRY(measure(file, name, &shape));
    size_t width_now = 1;
    for (size_t d = 1; d < shape.dimensions; d++)
        width_now *= shape.sizes[d];
    if (width_now != width)
        return fed_fail(FED_INPUT, "%s: changed while it was read", file->path);
    request_t request = {
        .file = file, .name = name, .first = first, .rows = rows, .number = number};
    return ask(&request, read_here, values, rows * width * number_bytes[number]);
}

const fed_array_format_t fed_hdf5_arrays = {
    .open = open_array_file,
    .close = close_file,
    .exists = exists,
    .measure = measure,
    .read = read_array,
};
