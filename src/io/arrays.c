/* Reading HDF5 files from disk, entry by entry. Every failure is the file's; HDF5 works on it in
 * a process of its own, which a damaged file may crash. */
#include "fedmpi/io/arrays.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/isolate.h"
#include "fedmpi/core/memory.h"
#include "handles.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_EXPANSION 1032            /* no byte of a deflate stream stands for more */
#define HDF5_BYTES ((size_t)256 << 20) /* that HDF5 may take for itself */
#define CHUNK_COPIES 4                 /* of a chunk: packed, growing, unpacked, converted */

struct fed_array_file {
    char *path;
    size_t bytes; /* of the file */
};

/* An array as the file has it. */
typedef struct found {
    fed_array_shape_t shape;
    size_t arrays;      /* that the name stands for: 1, or more with a * */
    size_t file_bytes;  /* of the file in which it lies, which a link may have led to */
    size_t chunk_bytes; /* of the largest piece that is read as a whole */
} found_t;

/* What a child does with the file, and where it leaves what it finds. */
typedef struct request {
    const fed_array_file_t *file;
    const char *name;
    size_t first, entries;
    fed_array_number_t number;
    void *found; /* shared with the child */
} request_t;

/* Booleans of h5py are an enumeration. */
static fed_array_kind_t kind_of(hid_t type) {
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_FLOAT)
        return FED_ARRAY_OF_REALS;
    if (class == H5T_STRING)
        return FED_ARRAY_OF_TEXTS;
    if (class == H5T_ENUM)
        return FED_ARRAY_OF_INTEGERS;
    if (class != H5T_INTEGER)
        return FED_ARRAY_OF_OTHERS;
    return H5Tget_size(type) == 1 && H5Tget_sign(type) == H5T_SGN_NONE ? FED_ARRAY_OF_BYTES
                                                                       : FED_ARRAY_OF_INTEGERS;
}

static hid_t open_unlocked(const char *path) {
    AUTOCLOSE access = fed_file_access();
    H5Pset_metadata_read_attempts(access, 1); /* else SWMR sleeps before it reads again */
    hid_t opened = H5Fopen(path, H5F_ACC_RDONLY, access);
    return opened >= 0 ? opened : H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access);
}

/* A text, an archive, ...: what is no HDF5 is said to be none. */
static fed_status_t fail_open(const char *path, const char *reason) {
    if (H5Fis_hdf5(path) == 0)
        return fed_fail(FED_INPUT,
                        "%s: not an HDF5 file; h5py, pandas and others write one: f[\"train/x\"], "
                        "f[\"train/y\"], f[\"test/x\"], f[\"test/y\"]",
                        path);
    if (strstr(reason, "already open for write"))
        return fed_fail(FED_INPUT,
                        "%s: another program has it open for writing, or was killed while it had: "
                        "close it there, or `h5clear -s` the file",
                        path);
    return fed_fail(FED_INPUT, "%s: not a readable HDF5 file: %s", path, reason);
}

static fed_status_t open_file(const fed_array_file_t *file, hid_t *opened) {
    char reason[256];
    *opened = open_unlocked(file->path);
    return *opened >= 0 ? FED_OK : fail_open(file->path, fed_last_reason(reason));
}

static fed_status_t try_open(void *context) {
    hid_t opened;
    return open_file(((const request_t *)context)->file, &opened);
}

/* --- Names ------------------------------------------------------------------------------ */

/* Why is there no such data set? A link into another file may lead nowhere. */
static fed_status_t fail_name(const char *path, hid_t file, const char *name) {
    FED_AUTOFREE char *part = fed_strdup(name);
    for (char *end = part + 1; end; end = strchr(end + 1, '/')) {
        end = strchr(end, '/');
        if (end)
            *end = '\0';
        H5L_info_t link;
        char target[512];
        const char *other, *there;
        if (H5Lget_info(file, part, &link, H5P_DEFAULT) < 0)
            break;
        if (link.type == H5L_TYPE_EXTERNAL && link.u.val_size <= sizeof target &&
            H5Lget_val(file, part, target, sizeof target, H5P_DEFAULT) >= 0 &&
            H5Lunpack_elink_val(target, link.u.val_size, NULL, &other, &there) >= 0)
            return fed_fail(FED_INPUT, "%s: %s is a link to %s in %s, which cannot be opened", path,
                            part, there, other);
        if (!end)
            break;
        *end = '/';
    }
    return fed_fail(FED_INPUT, "%s: there is no data set %s", path, name);
}

static fed_status_t open_set(const request_t *request, hid_t file, const char *name, hid_t *set) {
    *set = H5Dopen2(file, name, H5P_DEFAULT);
    return *set >= 0 ? FED_OK : fail_name(request->file->path, file, name);
}

/* What is done with each of the arrays that a name stands for; false ends it. */
typedef struct visit {
    const request_t *request;
    hid_t file;
    const char *before, *behind; /* parts of the name around the group's */
    fed_status_t (*each)(struct visit *visit, const char *name);
    fed_status_t status;
    void *result;
} visit_t;

static herr_t visit_group(hid_t group, const char *name, const H5L_info_t *link, void *context) {
    visit_t *visit = context;
    (void)group;
    (void)link;
    FED_AUTOFREE char *full = fed_format("%s%s%s", visit->before, name, visit->behind);
    visit->status = visit->each(visit, full);
    return visit->status != FED_OK;
}

/* Call `each` for all arrays of the request's name, in the order of their names. */
static fed_status_t visit_all(visit_t *visit) {
    const char *name = visit->request->name, *star = strchr(name, '*');
    if (!star)
        return visit->each(visit, name);
    FED_AUTOFREE char *before = fed_format("%.*s", (int)(star - name), name);
    visit->before = before;
    visit->behind = star + 1;
    if (H5Literate_by_name(visit->file, before, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_group,
                           visit, H5P_DEFAULT) < 0)
        return fed_fail(FED_INPUT, "%s: there is no group %s", visit->request->file->path, before);
    return visit->status;
}

static fed_status_t look_for(void *context) {
    const request_t *request = context;
    hid_t opened;
    FED_TRY(open_file(request->file, &opened));
    *(bool *)request->found = H5Oexists_by_name(opened, request->name, H5P_DEFAULT) > 0;
    return FED_OK;
}

/* --- Measuring -------------------------------------------------------------------------- */

/* Of the file in which the set is: a link may have led to another one. */
static size_t file_bytes(hid_t set) {
    char path[4096];
    struct stat found;
    AUTOCLOSE file = H5Iget_file_id(set);
    if (H5Fget_name(file, path, sizeof path) < 0 || stat(path, &found) != 0)
        return 0;
    return (size_t)found.st_size;
}

/* Bytes of the file that hold values of the data set, at most. */
static size_t stored_bytes(size_t in_file, hid_t set, hid_t creation) {
    if (H5Pget_layout(creation) == H5D_VIRTUAL || H5Pget_external_count(creation) != 0)
        return 0;
    size_t claimed = H5Dget_storage_size(set);
    return claimed < in_file ? claimed : in_file;
}

/* Values that are stored nowhere, or elsewhere, are none: only what the file holds makes an
 * allocation, and behind a filter as much more as that can give. */
static fed_status_t check_promise(const char *path, const char *name, hid_t set, hid_t creation,
                                  const fed_array_shape_t *shape, size_t in_file) {
    AUTOCLOSE type = H5Dget_type(set);
    size_t stored = stored_bytes(in_file, set, creation), promised = H5Tget_size(type);
    size_t expansion = H5Pget_nfilters(creation) > 0 ? MOST_EXPANSION : 1;
    for (size_t d = 0; d < shape->dimensions; d++)
        if (__builtin_mul_overflow(promised, shape->sizes[d], &promised))
            promised = SIZE_MAX;
    if (promised / expansion > stored)
        return fed_fail(FED_INPUT, "%s: does not store all values of %s: %zu bytes hold them", path,
                        name, stored);
    return FED_OK;
}

/* A filter that this HDF5 does not have: h5py's lzf, and those of hdf5plugin. */
static fed_status_t check_filters(const char *path, const char *name, hid_t creation) {
    for (int f = 0; f < H5Pget_nfilters(creation); f++) {
        unsigned flags, configuration;
        size_t values = 0;
        char filter[64] = "";
        H5Z_filter_t id = H5Pget_filter2(creation, (unsigned)f, &flags, &values, NULL,
                                         sizeof filter, filter, &configuration);
        if (id >= 0 && H5Zfilter_avail(id) <= 0)
            return fed_fail(FED_INPUT,
                            "%s: %s is compressed with the filter %s (number %d), which this "
                            "HDF5 does not have: write it with compression=\"gzip\", or convert "
                            "it by `h5repack -f GZIP=4` where the filter is",
                            path, name, *filter ? filter : "without a name", (int)id);
    }
    return FED_OK;
}

/* Bytes of a chunk, which HDF5 holds whole; it cannot be larger than the array, or than what
 * the file can give. */
static size_t chunk_bytes(hid_t set, hid_t creation, size_t in_file) {
    hsize_t sizes[FED_ARRAY_DIMENSIONS_MAX];
    AUTOCLOSE type = H5Dget_type(set);
    size_t bytes = H5Tget_size(type);
    if (H5Pget_layout(creation) != H5D_CHUNKED)
        return 0;
    int dimensions = H5Pget_chunk(creation, FED_ARRAY_DIMENSIONS_MAX, sizes);
    for (int d = 0; d < dimensions; d++)
        if (__builtin_mul_overflow(bytes, sizes[d], &bytes))
            return 0;
    return bytes / MOST_EXPANSION > in_file ? 0 : bytes;
}

static fed_status_t measure_set(const request_t *request, hid_t file, const char *name,
                                found_t *found) {
    const char *path = request->file->path;
    hid_t set;
    FED_TRY(open_set(request, file, name, &set));
    AUTOCLOSE opened = set;
    AUTOCLOSE type = H5Dget_type(set);
    AUTOCLOSE space = H5Dget_space(set);
    AUTOCLOSE creation = H5Dget_create_plist(set);
    int dimensions = H5Sget_simple_extent_ndims(space);
    if (dimensions < 0 || dimensions > FED_ARRAY_DIMENSIONS_MAX)
        return fed_fail(FED_INPUT, "%s: %s has %d dimensions, accepted is at most %d", path, name,
                        dimensions, FED_ARRAY_DIMENSIONS_MAX);
    hsize_t sizes[FED_ARRAY_DIMENSIONS_MAX] = {0};
    H5Sget_simple_extent_dims(space, sizes, NULL);
    size_t in_file = file_bytes(set);
    *found = (found_t){.shape = {.kind = kind_of(type), .dimensions = (size_t)dimensions},
                       .arrays = 1,
                       .file_bytes = in_file,
                       .chunk_bytes = chunk_bytes(set, creation, in_file)};
    for (int d = 0; d < dimensions; d++)
        found->shape.sizes[d] = sizes[d];
    FED_TRY(check_filters(path, name, creation));
    return check_promise(path, name, set, creation, &found->shape, in_file);
}

static bool alike_but_for_entries(const fed_array_shape_t *a, const fed_array_shape_t *b) {
    return a->kind == b->kind && a->dimensions == b->dimensions && a->dimensions > 0 &&
           memcmp(a->sizes + 1, b->sizes + 1, sizeof a->sizes - sizeof a->sizes[0]) == 0;
}

/* Put one more array behind those that were found before. */
static fed_status_t measure_one_more(visit_t *visit, const char *name) {
    found_t *all = visit->result, one;
    FED_TRY(measure_set(visit->request, visit->file, name, &one));
    if (all->arrays == 0) {
        *all = one;
        return FED_OK;
    }
    if (!alike_but_for_entries(&all->shape, &one.shape))
        return fed_fail(FED_INPUT, "%s: %s has another shape or type than those before it",
                        visit->request->file->path, name);
    all->shape.sizes[0] += one.shape.sizes[0];
    all->arrays++;
    all->chunk_bytes = one.chunk_bytes > all->chunk_bytes ? one.chunk_bytes : all->chunk_bytes;
    return FED_OK;
}

static fed_status_t measure_here(void *context) {
    const request_t *request = context;
    visit_t visit = {.request = request, .each = measure_one_more, .result = request->found};
    *(found_t *)request->found = (found_t){0};
    FED_TRY(open_file(request->file, &visit.file));
    FED_TRY(visit_all(&visit));
    if (((found_t *)request->found)->arrays == 0)
        return fed_fail(FED_INPUT, "%s: there is nothing like %s", request->file->path,
                        request->name);
    return FED_OK;
}

/* --- Reading ---------------------------------------------------------------------------- */

static hid_t type_of(fed_array_number_t number) {
    switch (number) {
    case FED_ARRAY_UINT8:
        return H5T_NATIVE_UINT8;
    case FED_ARRAY_INT64:
        return H5T_NATIVE_INT64;
    case FED_ARRAY_FLOAT32:
        return H5T_NATIVE_FLOAT;
    case FED_ARRAY_FLOAT64:
        return H5T_NATIVE_DOUBLE;
    case FED_ARRAY_TEXT:
        break;
    }
    return -1;
}

static size_t number_bytes(fed_array_number_t number) {
    static const size_t bytes[] = {[FED_ARRAY_UINT8] = 1,
                                   [FED_ARRAY_INT64] = 8,
                                   [FED_ARRAY_FLOAT32] = 4,
                                   [FED_ARRAY_FLOAT64] = 8,
                                   [FED_ARRAY_TEXT] = FED_ARRAY_TEXT_BYTES};
    return bytes[number];
}

/* Texts of any length, which HDF5 allocates: [entries] of at most FED_ARRAY_TEXT_BYTES. */
static herr_t read_long_texts(hid_t set, hid_t memory, hid_t space, size_t entries, char *values) {
    FED_AUTOFREE char **texts = FED_NEW_ARRAY(char *, entries);
    AUTOCLOSE type = H5Tcopy(H5T_C_S1), of_set = H5Dget_type(set);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5Tget_cset(of_set));
    if (H5Dread(set, type, memory, space, H5P_DEFAULT, texts) < 0)
        return -1;
    for (size_t i = 0; i < entries; i++) {
        if (texts[i] && strlen(texts[i]) >= FED_ARRAY_TEXT_BYTES)
            return -1;
        strncpy(values + i * FED_ARRAY_TEXT_BYTES, texts[i] ? texts[i] : "",
                FED_ARRAY_TEXT_BYTES - 1);
    }
    return 0; /* the texts end with the process */
}

static herr_t read_texts(hid_t set, hid_t memory, hid_t space, size_t entries, char *values) {
    AUTOCLOSE of_set = H5Dget_type(set), type = H5Tcopy(H5T_C_S1);
    if (H5Tis_variable_str(of_set) > 0)
        return read_long_texts(set, memory, space, entries, values);
    if (H5Tget_size(of_set) >= FED_ARRAY_TEXT_BYTES)
        return -1;
    H5Tset_size(type, FED_ARRAY_TEXT_BYTES);
    H5Tset_cset(type, H5Tget_cset(of_set));
    return H5Dread(set, type, memory, space, H5P_DEFAULT, values);
}

static herr_t read_entries(hid_t set, size_t first, size_t entries, fed_array_number_t number,
                           void *values) {
    AUTOCLOSE space = H5Dget_space(set);
    hsize_t start[FED_ARRAY_DIMENSIONS_MAX] = {first}, count[FED_ARRAY_DIMENSIONS_MAX];
    int dimensions = H5Sget_simple_extent_dims(space, count, NULL);
    count[0] = entries;
    AUTOCLOSE memory = H5Screate_simple(dimensions, count, NULL);
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0)
        return -1;
    if (number == FED_ARRAY_TEXT)
        return read_texts(set, memory, space, entries, values);
    return H5Dread(set, type_of(number), memory, space, H5P_DEFAULT, values);
}

/* Where reading stands: entries that are still to be passed over, and to be read. */
typedef struct reading {
    size_t skip, left;
    char *to;
} reading_t;

/* The entries of one array that are wanted. */
static fed_status_t read_part(visit_t *visit, const char *name) {
    const request_t *request = visit->request;
    reading_t *reading = visit->result;
    found_t found;
    char reason[256];
    if (reading->left == 0)
        return FED_OK;
    FED_TRY(measure_set(request, visit->file, name, &found));
    size_t there = found.shape.sizes[0], width = 1;
    if (there <= reading->skip) {
        reading->skip -= there;
        return FED_OK;
    }
    size_t entries = there - reading->skip < reading->left ? there - reading->skip : reading->left;
    AUTOCLOSE set = H5Dopen2(visit->file, name, H5P_DEFAULT);
    for (size_t d = 1; d < found.shape.dimensions; d++)
        width *= found.shape.sizes[d];
    if (set < 0 || read_entries(set, reading->skip, entries, request->number, reading->to) < 0)
        return fed_fail(FED_INPUT, "%s: cannot read %s: %s", request->file->path, name,
                        request->number == FED_ARRAY_TEXT ? "texts may have 63 bytes"
                                                          : fed_last_reason(reason));
    reading->to += entries * width * number_bytes(request->number);
    reading->left -= entries;
    reading->skip = 0;
    return FED_OK;
}

static fed_status_t read_here(void *context) {
    const request_t *request = context;
    reading_t reading = {request->first, request->entries, request->found};
    visit_t visit = {.request = request, .each = read_part, .result = &reading};
    FED_TRY(open_file(request->file, &visit.file));
    FED_TRY(visit_all(&visit));
    if (reading.left > 0)
        return fed_fail(FED_INPUT, "%s: changed while it was read", request->file->path);
    return FED_OK;
}

static fed_status_t count_entries(visit_t *visit, const char *name) {
    reading_t *counting = visit->result; /* left: places for a number */
    found_t found;
    FED_TRY(measure_set(visit->request, visit->file, name, &found));
    if (counting->left == 0)
        return fed_fail(FED_INPUT, "%s: changed while it was read", visit->request->file->path);
    memcpy(counting->to, &found.shape.sizes[0], sizeof(size_t));
    counting->to += sizeof(size_t);
    counting->left--;
    return FED_OK;
}

static fed_status_t split_here(void *context) {
    const request_t *request = context;
    reading_t counting = {.left = request->entries, .to = request->found};
    visit_t visit = {.request = request, .each = count_entries, .result = &counting};
    FED_TRY(open_file(request->file, &visit.file));
    return visit_all(&visit);
}

/* --- What the rest of the program calls ------------------------------------------------ */

/* Let a child do it; copies `bytes` of what it found to `into`.
 * @param found  of the array that it reads, or NULL */
static fed_status_t ask(request_t *request, fed_status_t (*work)(void *), const found_t *found,
                        void *into, size_t bytes) {
    size_t memory = HDF5_BYTES + 2 * request->file->bytes;
    if (found)
        memory += 2 * found->file_bytes + CHUNK_COPIES * found->chunk_bytes;
    request->found = fed_isolate_alloc(bytes);
    fed_status_t status = fed_isolate(work, request, memory, request->file->path);
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
        return fed_file_fail_reading(path, errno);
    if (!S_ISREG(found.st_mode))
        return fed_fail(FED_INPUT, "%s: is no file, accepted is an HDF5 file", path);
    *file = FED_NEW(fed_array_file_t);
    **file = (fed_array_file_t){fed_strdup(path), (size_t)found.st_size};
    fed_status_t status = ask(&(request_t){.file = *file}, try_open, NULL, NULL, 0);
    if (status == FED_OK)
        return FED_OK;
    close_file(*file);
    *file = NULL;
    return status;
}

static bool exists(fed_array_file_t *file, const char *name) {
    bool there = false;
    return ask(&(request_t){.file = file, .name = name}, look_for, NULL, &there, sizeof there) ==
               FED_OK &&
           there;
}

static fed_status_t find(const fed_array_file_t *file, const char *name, found_t *found) {
    return ask(&(request_t){.file = file, .name = name}, measure_here, NULL, found, sizeof *found);
}

static fed_status_t measure(fed_array_file_t *file, const char *name, fed_array_shape_t *shape) {
    found_t found;
    FED_TRY(find(file, name, &found));
    *shape = found.shape;
    return FED_OK;
}

static fed_status_t read_array(fed_array_file_t *file, const char *name, size_t first,
                               size_t entries, size_t width, fed_array_number_t number,
                               void *values) {
    found_t found;
    FED_TRY(find(file, name, &found));
    size_t width_now = 1;
    for (size_t d = 1; d < found.shape.dimensions; d++)
        width_now *= found.shape.sizes[d];
    if (width_now != width)
        return fed_fail(FED_INPUT, "%s: changed while it was read", file->path);
    request_t request = {
        .file = file, .name = name, .first = first, .entries = entries, .number = number};
    return ask(&request, read_here, &found, values, entries * width * number_bytes(number));
}

static fed_status_t split(fed_array_file_t *file, const char *name, size_t **entries,
                          size_t *count) {
    found_t found;
    FED_TRY(find(file, name, &found));
    *count = found.arrays;
    *entries = FED_NEW_ARRAY(size_t, found.arrays);
    request_t request = {.file = file, .name = name, .entries = found.arrays};
    return ask(&request, split_here, NULL, *entries, found.arrays * sizeof **entries);
}

const fed_array_format_t fed_hdf5_arrays = {
    .open = open_array_file,
    .close = close_file,
    .exists = exists,
    .measure = measure,
    .read = read_array,
    .split = split,
};
