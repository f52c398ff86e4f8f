/* Looking into a results file. */
#include "fedmpi/io/earlier.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/isolate.h"
#include "fedmpi/core/memory.h"
#include "handles.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define HDF5_BYTES ((size_t)64 << 20)   /* that HDF5 may take for itself */
#define LONGEST_INI ((size_t)256 << 20) /* only what is used takes memory */

/* What the child finds, in memory of both. */
typedef struct look {
    const char *path;
    size_t ini_bytes; /* that there is room for */
    fed_earlier_t found;
    char ini[]; /* terminated */
} look_t;

static bool read_text(hid_t type, size_t room, char *text,
                      herr_t (*read)(hid_t object, hid_t type, void *text), hid_t object) {
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 ||
        H5Tget_size(type) >= room)
        return false;
    return read(object, type, text) >= 0;
}

static herr_t read_attribute(hid_t attribute, hid_t type, void *text) {
    return H5Aread(attribute, type, text);
}

static herr_t read_set(hid_t set, hid_t type, void *text) {
    return H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text);
}

static bool read_status(hid_t file, look_t *look) {
    AUTOCLOSE attribute = H5Aopen(file, "status", H5P_DEFAULT);
    AUTOCLOSE type = attribute >= 0 ? H5Aget_type(attribute) : -1;
    char word[16] = "";
    return type >= 0 && read_text(type, sizeof word, word, read_attribute, attribute) &&
           fed_run_status_read(word, &look->found.status);
}

static bool read_ini(hid_t file, look_t *look) {
    AUTOCLOSE set = H5Dopen2(file, "/config/ini", H5P_DEFAULT);
    AUTOCLOSE type = set >= 0 ? H5Dget_type(set) : -1;
    return type >= 0 && read_text(type, look->ini_bytes, look->ini, read_set, set);
}

static bool count_rows(hid_t file, const char *table, int64_t *rows) {
    AUTOCLOSE set = H5Dopen2(file, table, H5P_DEFAULT);
    AUTOCLOSE space = set >= 0 ? H5Dget_space(set) : -1;
    *rows = space >= 0 ? (int64_t)H5Sget_simple_extent_npoints(space) : -1;
    return *rows >= 0;
}

static fed_status_t look_into(void *context) {
    look_t *look = context;
    AUTOCLOSE access = fed_file_access();
    hid_t file = H5Fopen(look->path, H5F_ACC_RDONLY, access); /* closed by the child's end */
    fed_earlier_t *found = &look->found;
    if (file >= 0 && read_status(file, look) && read_ini(file, look) &&
        count_rows(file, "federated/rounds", &found->rounds) &&
        count_rows(file, "centralized/epochs", &found->epochs))
        return FED_OK;
    return fed_fail(FED_INPUT, "%s: is no results file of fedmpi", look->path);
}

fed_status_t fed_earlier_read(fed_earlier_t *earlier, const char *path) {
    struct stat found;
    if (stat(path, &found) != 0)
        return fed_file_fail_reading(path, errno);
    size_t room = (size_t)found.st_size < LONGEST_INI ? (size_t)found.st_size : LONGEST_INI;
    size_t bytes = sizeof(look_t) + room + 1;
    look_t *look = fed_isolate_alloc(bytes);
    look->path = path;
    look->ini_bytes = room;
    fed_status_t status = fed_isolate(look_into, look, HDF5_BYTES + bytes, path);
    if (status == FED_OK) {
        *earlier = look->found;
        earlier->ini = fed_strdup(look->ini);
    }
    fed_isolate_free(look, bytes);
    return status;
}

void fed_earlier_fini(fed_earlier_t *earlier) {
    fed_free(earlier->ini);
    *earlier = (fed_earlier_t){0};
}
