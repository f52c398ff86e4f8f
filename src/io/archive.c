/* HDF5 images in memory. */
#include "fedmpi/io/archive.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/utf8.h"
#include "growth.h"
#include "handles.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IMAGE_GROWTH_BYTES ((size_t)1 << 20)
#define CHUNK_BYTES 16384                     /* of a table */
#define LARGEST_CHUNK_BYTES ((size_t)1 << 20) /* accepted in a smaller data set */

struct fed_archive {
    hid_t file;          /* in memory: all but the rows of tables that grow */
    char *name;          /* for messages */
    bool changed;        /* since it was published, other than by rows */
    fed_growth_t growth; /* tables, and the file on disk */
};

/* Calls that can only fail for want of memory, or because we are wrong. */
#define MUST(call) must((hid_t)(call), #call, __LINE__)
static hid_t must(hid_t result, const char *call, int line) {
    char reason[256];
    if (result < 0)
        fed_die_at(__FILE__, line, "HDF5: %.60s: %s", call, fed_last_reason(reason));
    return result;
}

/* The earliest format, which every reader knows and header.h relies on, in places that are
 * multiples of eight. */
static hid_t in_memory(void) {
    hid_t access = MUST(fed_file_access());
    MUST(H5Pset_fapl_core(access, IMAGE_GROWTH_BYTES, false));
    MUST(H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST));
    MUST(H5Pset_alignment(access, 1, 8));
    MUST(H5Pset_meta_block_size(access, 0)); /* inside a block nothing is aligned */
    return access;
}

/* Of a group or file: attributes may have more than 64 KiB, as a configuration's can. */
static hid_t with_large_attributes(hid_t class) {
    hid_t creation = MUST(H5Pcreate(class));
    MUST(H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED));
    return creation;
}

static fed_archive_t *wrap(hid_t file, const char *name) {
    fed_archive_t *archive = FED_NEW(fed_archive_t);
    *archive = (fed_archive_t){file, fed_strdup(name), true, {.descriptor = -1}};
    return archive;
}

/* HDF5 refuses to open two images by one name. */
static const char *unique_name(char name[32]) {
    static unsigned images;
    snprintf(name, 32, "image %u", images++);
    return name;
}

fed_archive_t *fed_archive_create(void) {
    AUTOCLOSE access = in_memory();
    AUTOCLOSE creation = with_large_attributes(H5P_FILE_CREATE);
    char name[32];
    return wrap(MUST(H5Fcreate(unique_name(name), H5F_ACC_TRUNC, creation, access)), "");
}

fed_status_t fed_archive_open(const void *image, size_t bytes, const char *name,
                              fed_archive_t **archive) {
    AUTOCLOSE access = in_memory();
    if (bytes == 0) /* HDF5 takes that for no image at all */
        return fed_fail(FED_INPUT, "%s: not a readable HDF5 file: it is empty", name);
    MUST(H5Pset_file_image(access, (void *)image, bytes)); /* copied by HDF5 */
    char image_name[32], reason[256];
    hid_t file = H5Fopen(unique_name(image_name), H5F_ACC_RDWR, access);
    if (file < 0)
        return fed_fail(FED_INPUT, "%s: not a readable HDF5 file: %s", name,
                        fed_last_reason(reason));
    *archive = wrap(file, name);
    return FED_OK;
}

void fed_archive_destroy(fed_archive_t *archive) {
    if (!archive)
        return;
    H5Fclose(archive->file);
    fed_growth_fini(&archive->growth);
    fed_free(archive->name);
    fed_free(archive);
}

static hid_t element_type(fed_element_t element) {
    switch (element) {
    case FED_FLOAT32:
        return H5T_NATIVE_FLOAT;
    case FED_FLOAT64:
        return H5T_NATIVE_DOUBLE;
    case FED_INT64:
        return H5T_NATIVE_INT64;
    case FED_UINT32:
        return H5T_NATIVE_UINT32;
    case FED_BYTE:
        return H5T_NATIVE_UINT8;
    }
    return -1;
}

static hid_t text_type(size_t length) {
    hid_t type = MUST(H5Tcopy(H5T_C_S1));
    MUST(H5Tset_size(type, length > 0 ? length : 1));
    MUST(H5Tset_cset(type, H5T_CSET_UTF8));
    return type;
}

/* Soft and external links are not followed: they may lead out of the file. */
static bool is_link_to_object(const fed_archive_t *archive, const char *path) {
    H5L_info_t link;
    return H5Lexists(archive->file, path, H5P_DEFAULT) > 0 &&
           H5Lget_info(archive->file, path, &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_HARD;
}

static bool exists(const fed_archive_t *archive, const char *path) {
    if (strcmp(path, "/") == 0)
        return true;
    /* HDF5 asks for every step of the path to exist. */
    FED_AUTOFREE char *prefix = fed_strdup(path);
    for (char *slash = strchr(prefix + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!is_link_to_object(archive, prefix))
            return false;
        *slash = '/';
    }
    return is_link_to_object(archive, prefix);
}

bool fed_archive_has(const fed_archive_t *archive, const char *path) {
    return exists(archive, path);
}

static hid_t making_groups(void) {
    hid_t links = MUST(H5Pcreate(H5P_LINK_CREATE));
    MUST(H5Pset_create_intermediate_group(links, 1));
    return links;
}

static hid_t open_described(fed_archive_t *archive, const char *path) {
    if (exists(archive, path))
        return MUST(H5Oopen(archive->file, path, H5P_DEFAULT));
    AUTOCLOSE links = making_groups();
    AUTOCLOSE creation = with_large_attributes(H5P_GROUP_CREATE);
    return MUST(H5Gcreate2(archive->file, path, links, creation, H5P_DEFAULT));
}

static void describe(fed_archive_t *archive, const char *path, const char *name, hid_t type,
                     const void *value) {
    archive->changed = true;
    AUTOCLOSE object = open_described(archive, path);
    AUTOCLOSE space = MUST(H5Screate(H5S_SCALAR));
    if (H5Aexists(object, name) > 0)
        MUST(H5Adelete(object, name));
    AUTOCLOSE attribute = MUST(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
    MUST(H5Awrite(attribute, type, value));
}

void fed_archive_describe(fed_archive_t *archive, const char *path, const char *name,
                          const char *text) {
    FED_AUTOFREE char *clean = fed_utf8_wrong(text) ? fed_strdup(text) : NULL;
    if (clean) /* of a command line: the type says UTF-8 */
        fed_utf8_clean(clean);
    AUTOCLOSE type = text_type(strlen(text));
    describe(archive, path, name, type, clean ? clean : text);
}

void fed_archive_describe_integer(fed_archive_t *archive, const char *path, const char *name,
                                  int64_t value) {
    describe(archive, path, name, H5T_NATIVE_INT64, &value);
}

/* HDF5 can be built without zlib: then it stays as it is. */
static void set_compression(hid_t creation) {
    if (H5Zfilter_avail(H5Z_FILTER_DEFLATE) <= 0)
        return;
    MUST(H5Pset_shuffle(creation));
    MUST(H5Pset_deflate(creation, 1));
}

/* @param creation  H5P_DEFAULT, or how the data set is stored */
static void put(fed_archive_t *archive, const char *path, hid_t type, hid_t space, hid_t creation,
                const void *data) {
    archive->changed = true;
    if (exists(archive, path))
        MUST(H5Ldelete(archive->file, path, H5P_DEFAULT));
    AUTOCLOSE links = making_groups();
    AUTOCLOSE set =
        MUST(H5Dcreate2(archive->file, path, type, space, links, creation, H5P_DEFAULT));
    MUST(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
}

void fed_archive_put_text(fed_archive_t *archive, const char *path, const char *text) {
    AUTOCLOSE type = text_type(strlen(text));
    AUTOCLOSE space = MUST(H5Screate(H5S_SCALAR));
    put(archive, path, type, space, H5P_DEFAULT, text);
}

static hid_t simple_space(size_t dimensions, const size_t *shape) {
    hsize_t sizes[FED_ARRAY_DIMENSIONS];
    for (size_t d = 0; d < dimensions; d++)
        sizes[d] = shape[d];
    return MUST(H5Screate_simple((int)dimensions, sizes, NULL));
}

void fed_archive_put(fed_archive_t *archive, const char *path, fed_element_t element,
                     size_t dimensions, const size_t *shape, const void *data) {
    AUTOCLOSE space = simple_space(dimensions, shape);
    put(archive, path, element_type(element), space, H5P_DEFAULT, data);
}

void fed_archive_put_compressed(fed_archive_t *archive, const char *path, fed_element_t element,
                                size_t dimensions, const size_t *shape, const void *data) {
    AUTOCLOSE space = simple_space(dimensions, shape);
    AUTOCLOSE creation = MUST(H5Pcreate(H5P_DATASET_CREATE));
    size_t row_bytes = H5Tget_size(element_type(element));
    hsize_t chunk[FED_ARRAY_DIMENSIONS];
    for (size_t d = 1; d < dimensions; d++)
        row_bytes *= chunk[d] = shape[d];
    chunk[0] = 1 + 4 * CHUNK_BYTES / row_bytes;
    if (chunk[0] > shape[0])
        chunk[0] = shape[0];
    MUST(H5Pset_chunk(creation, (int)dimensions, chunk));
    set_compression(creation);
    put(archive, path, element_type(element), space, creation, data);
}

static hid_t row_type(const fed_table_t *table) {
    hid_t type = MUST(H5Tcreate(H5T_COMPOUND, table->row_bytes));
    for (size_t c = 0; c < table->column_count; c++) {
        const fed_column_t *column = &table->columns[c];
        MUST(H5Tinsert(type, column->name, column->offset,
                       column->type == FED_COLUMN_INTEGER ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE));
    }
    return type;
}

static void describe_table(fed_archive_t *archive, const fed_table_t *table) {
    fed_archive_describe(archive, table->path, "help", table->help);
    for (size_t c = 0; c < table->column_count; c++) {
        const fed_column_t *column = &table->columns[c];
        FED_AUTOFREE char *unit = fed_format("%s.unit", column->name);
        FED_AUTOFREE char *help = fed_format("%s.help", column->name);
        fed_archive_describe(archive, table->path, unit, column->unit);
        fed_archive_describe(archive, table->path, help, column->help);
    }
}

void fed_archive_create_table(fed_archive_t *archive, const fed_table_t *table) {
    hsize_t none = 0;
    AUTOCLOSE type = row_type(table);
    AUTOCLOSE space = MUST(H5Screate_simple(1, &none, NULL));
    AUTOCLOSE links = making_groups();
    MUST(H5Dclose(MUST(
        H5Dcreate2(archive->file, table->path, type, space, links, H5P_DEFAULT, H5P_DEFAULT))));
    fed_growth_table(&archive->growth, table);
    describe_table(archive, table);
}

void fed_archive_append(fed_archive_t *archive, const fed_table_t *table, const void *rows,
                        size_t count) {
    fed_growth_append(&archive->growth, table, rows, count);
}

void fed_archive_put_table(fed_archive_t *archive, const fed_table_t *table, const void *rows,
                           size_t count) {
    hsize_t size = count, most = 1 + CHUNK_BYTES / table->row_bytes;
    AUTOCLOSE type = row_type(table);
    AUTOCLOSE space = MUST(H5Screate_simple(1, &size, NULL));
    AUTOCLOSE creation = MUST(H5Pcreate(H5P_DATASET_CREATE));
    MUST(H5Pset_chunk(creation, 1, size > 0 && size < most ? &size : &most));
    set_compression(creation);
    put(archive, table->path, type, space, creation, rows);
    describe_table(archive, table);
}

/* The in-memory driver's handle is its memory: nothing is copied. */
const void *fed_archive_view(fed_archive_t *archive, size_t *bytes) {
    void **image;
    MUST(H5Fflush(archive->file, H5F_SCOPE_GLOBAL));
    MUST(H5Fget_vfd_handle(archive->file, H5P_DEFAULT, (void **)&image));
    *bytes = (size_t)MUST(H5Fget_file_image(archive->file, NULL, 0));
    return *image;
}

static fed_header_t find_header(fed_archive_t *archive, const fed_table_t *table, const void *image,
                                size_t bytes) {
    hobj_ref_t object; /* an address in the file */
    MUST(H5Rcreate(&object, archive->file, table->path, H5R_OBJECT, -1));
    return fed_header_find(image, bytes, object);
}

static fed_status_t publish_anew(fed_archive_t *archive, const char *path, bool last) {
    size_t bytes, count = archive->growth.count;
    const void *image = fed_archive_view(archive, &bytes);
    FED_AUTOFREE fed_header_t *headers = FED_NEW_ARRAY(fed_header_t, count);
    for (size_t t = 0; t < count; t++)
        headers[t] = find_header(archive, archive->growth.tables[t].table, image, bytes);
    FED_TRY(fed_growth_rewrite(&archive->growth, path, image, bytes, headers, last));
    archive->changed = false;
    return FED_OK;
}

fed_status_t fed_archive_publish(fed_archive_t *archive, const char *path, bool last) {
    if (last || archive->changed || !fed_growth_fits(&archive->growth, path))
        return publish_anew(archive, path, last);
    return fed_growth_write(&archive->growth, path);
}

fed_status_t fed_archive_spill(fed_archive_t *archive, const char *path) {
    if (fed_growth_has_room(&archive->growth))
        return fed_growth_write(&archive->growth, path);
    FED_TRY(publish_anew(archive, path, false));
    return unlink(path) == 0 ? FED_OK : fed_file_fail(path, errno);
}

/* Reading takes no more memory than the data set has, whatever its file says: values
 * stand in this file, and a chunk, which HDF5 holds in memory, is not larger than all. */
static bool is_stored_here(hid_t set, size_t bytes) {
    AUTOCLOSE creation = H5Dget_create_plist(set);
    hsize_t chunk[FED_ARRAY_DIMENSIONS];
    if (creation < 0 || H5Pget_external_count(creation) != 0)
        return false;
    switch (H5Pget_layout(creation)) {
    case H5D_COMPACT:
    case H5D_CONTIGUOUS:
        return H5Dget_storage_size(set) == bytes;
    case H5D_CHUNKED: {
        int dimensions = H5Pget_chunk(creation, FED_ARRAY_DIMENSIONS, chunk);
        AUTOCLOSE type = H5Dget_type(set);
        size_t chunk_bytes = type >= 0 ? H5Tget_size(type) : 0;
        for (int d = 0; d < dimensions && d < FED_ARRAY_DIMENSIONS; d++)
            if (__builtin_mul_overflow(chunk_bytes, chunk[d], &chunk_bytes))
                return false;
        return dimensions > 0 && chunk_bytes <= bytes + LARGEST_CHUNK_BYTES;
    }
    default:
        return false;
    }
}

/* Open a data set of this type, or a negative handle. */
static hid_t open_set(fed_archive_t *archive, const char *path, hid_t expected) {
    if (!exists(archive, path))
        return -1;
    hid_t set = H5Dopen2(archive->file, path, H5P_DEFAULT);
    AUTOCLOSE type = set >= 0 ? H5Dget_type(set) : -1;
    if (type >= 0 && H5Tequal(type, expected) > 0)
        return set;
    if (set >= 0)
        H5Dclose(set);
    return -1;
}

/* The sizes of a data set; false if it has not exactly these dimensions. */
static bool get_shape(hid_t set, size_t dimensions, hsize_t *sizes) {
    AUTOCLOSE space = H5Dget_space(set);
    return space >= 0 && H5Sget_simple_extent_type(space) == H5S_SIMPLE &&
           H5Sget_simple_extent_ndims(space) == (int)dimensions &&
           H5Sget_simple_extent_dims(space, sizes, NULL) == (int)dimensions;
}

static fed_status_t fail_reading(const fed_archive_t *archive, const char *path) {
    char reason[256];
    return fed_fail(FED_INPUT, "%s: cannot read %s: %s", archive->name, path,
                    fed_last_reason(reason));
}

fed_status_t fed_archive_get(fed_archive_t *archive, const char *path, fed_element_t element,
                             size_t dimensions, const size_t *shape, void *data) {
    AUTOCLOSE set = open_set(archive, path, element_type(element));
    if (set < 0)
        return fed_fail(FED_INPUT, "%s: no data set %s of the expected type", archive->name, path);
    hsize_t sizes[FED_ARRAY_DIMENSIONS];
    bool fits = get_shape(set, dimensions, sizes);
    size_t bytes = H5Tget_size(element_type(element));
    for (size_t d = 0; fits && d < dimensions; d++) {
        fits = sizes[d] == shape[d];
        bytes *= shape[d];
    }
    if (!fits)
        return fed_fail(FED_INPUT, "%s: %s has another shape than expected", archive->name, path);
    if (!is_stored_here(set, bytes))
        return fed_fail(FED_INPUT, "%s: %s is not stored as plain values", archive->name, path);
    if (H5Dread(set, element_type(element), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        return fail_reading(archive, path);
    return FED_OK;
}

const char *fed_archive_library(void) {
    return H5_VERS_INFO;
}
