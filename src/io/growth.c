/* Rows in place, and files that make room. */
#include "growth.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAST_ROOM_BYTES ((size_t)1 << 14) /* of a table */

void fed_growth_fini(fed_growth_t *growth) {
    for (size_t t = 0; t < growth->count; t++)
        fed_free(growth->tables[t].waiting);
    fed_free(growth->tables);
    if (growth->descriptor >= 0)
        close(growth->descriptor);
    *growth = (fed_growth_t){.descriptor = -1};
}

fed_growing_t *fed_growth_table(fed_growth_t *growth, const fed_table_t *table) {
    for (size_t t = 0; t < growth->count; t++)
        if (growth->tables[t].table == table)
            return &growth->tables[t];
    growth->tables =
        fed_grow(growth->tables, growth->count, growth->count + 1, sizeof *growth->tables);
    growth->tables[growth->count] = (fed_growing_t){.table = table};
    return &growth->tables[growth->count++];
}

void fed_growth_append(fed_growth_t *growth, const fed_table_t *table, const void *rows,
                       size_t count) {
    fed_growing_t *growing = fed_growth_table(growth, table);
    size_t needed = growing->waiting_rows + count, row_bytes = table->row_bytes;
    if (count == 0)
        return;
    if (needed > growing->waiting_room) {
        size_t room = needed + needed / 2;
        growing->waiting = fed_grow(growing->waiting, growing->waiting_rows, room, row_bytes);
        growing->waiting_room = room;
    }
    memcpy(growing->waiting + growing->waiting_rows * row_bytes, rows, count * row_bytes);
    growing->waiting_rows = needed;
}

bool fed_growth_fits(const fed_growth_t *growth, const char *path) {
    struct stat ours, there;
    return fed_growth_has_room(growth) && fstat(growth->descriptor, &ours) == 0 &&
           stat(path, &there) == 0 && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

bool fed_growth_has_room(const fed_growth_t *growth) {
    if (growth->descriptor < 0)
        return false;
    for (size_t t = 0; t < growth->count; t++)
        if (growth->tables[t].room - growth->tables[t].rows < growth->tables[t].waiting_rows)
            return false;
    return true;
}

static int write_number(int descriptor, size_t at, uint64_t value) {
    uint64_t stored = htole64(value);
    return fed_file_write_at(descriptor, at, &stored, sizeof stored);
}

static int write_waiting(int descriptor, const fed_growing_t *growing) {
    size_t row_bytes = growing->table->row_bytes;
    return fed_file_write_at(descriptor, growing->first + growing->rows * row_bytes,
                             growing->waiting, growing->waiting_rows * row_bytes);
}

static void settle(fed_growing_t *growing) {
    growing->rows += growing->waiting_rows;
    growing->waiting_rows = 0;
}

/* Rows first; that they are there afterwards. */
static int write_in_place(fed_growth_t *growth) {
    int code = 0;
    for (size_t t = 0; t < growth->count && !code; t++)
        code = write_waiting(growth->descriptor, &growth->tables[t]);
    if (!code && growth->remote && fdatasync(growth->descriptor) != 0)
        code = errno;
    for (size_t t = 0; t < growth->count && !code; t++) {
        fed_growing_t *growing = &growth->tables[t];
        if (growing->waiting_rows == 0)
            continue;
        code = write_number(growth->descriptor, growing->header.rows,
                            growing->rows + growing->waiting_rows);
        if (!code)
            settle(growing);
    }
    return code;
}

fed_status_t fed_growth_write(fed_growth_t *growth, const char *path) {
    int code = write_in_place(growth);
    return code ? fed_file_fail(path, code) : FED_OK;
}

/* --- A file with more room ---------------------------------------------------------------- */

/* Where the tables are to be: behind the image, one after another. Returns the file's length. */
static size_t plan(fed_growing_t *tables, size_t count, size_t bytes, bool last) {
    size_t at = bytes;
    for (size_t t = 0; t < count; t++) {
        size_t row_bytes = tables[t].table->row_bytes;
        size_t rows = tables[t].rows + tables[t].waiting_rows;
        size_t least = 1 + LEAST_ROOM_BYTES / row_bytes;
        at = (at + 7) / 8 * 8;
        tables[t].first = at;
        tables[t].room = last ? rows : rows + (rows > least ? rows : least);
        at += tables[t].room * row_bytes;
    }
    return at;
}

/* One table's rows, and what its header says of them. An empty place has no address. */
static int move_table(const fed_growing_t *before, int from, const fed_growing_t *after, int to) {
    size_t row_bytes = after->table->row_bytes;
    if (after->room == 0)
        return 0;
    int code = fed_file_copy(from, before->first, to, after->first, before->rows * row_bytes);
    if (!code)
        code = write_waiting(to, after);
    if (!code)
        code = write_number(to, after->header.space, FED_HEADER_FIXED_SIZE);
    if (!code)
        code = write_number(to, after->header.rows, after->rows + after->waiting_rows);
    if (!code)
        code = write_number(to, after->header.address, after->first);
    if (!code)
        code = write_number(to, after->header.bytes, after->room * row_bytes);
    return code;
}

static int fill(const fed_growth_t *growth, const fed_growing_t *tables, int to, size_t end_at,
                size_t length) {
    int code = ftruncate(to, (off_t)length) == 0 ? 0 : errno;
    if (!code)
        code = write_number(to, end_at, length);
    for (size_t t = 0; t < growth->count && !code; t++)
        code = move_table(&growth->tables[t], growth->descriptor, &tables[t], to);
    return code;
}

/* The file at the path is the one that was written: go on in it. */
static void take_over(fed_growth_t *growth, fed_growing_t *tables, int descriptor) {
    for (size_t t = 0; t < growth->count; t++) {
        settle(&tables[t]);
        fed_free(tables[t].waiting); /* of a large round, it may be large */
        tables[t].waiting = NULL;
        tables[t].waiting_room = 0;
    }
    if (growth->count > 0)
        memcpy(growth->tables, tables, growth->count * sizeof *tables);
    if (growth->descriptor >= 0)
        close(growth->descriptor);
    growth->descriptor = descriptor;
    growth->remote = fed_file_is_remote(descriptor);
}

fed_status_t fed_growth_rewrite(fed_growth_t *growth, const char *path, const void *image,
                                size_t bytes, const fed_header_t *headers, bool last) {
    FED_AUTOFREE fed_growing_t *tables = FED_NEW_ARRAY(fed_growing_t, growth->count);
    for (size_t t = 0; t < growth->count; t++) {
        tables[t] = growth->tables[t];
        tables[t].header = headers[t];
    }
    size_t length = plan(tables, growth->count, bytes, last);
    fed_file_t file;
    FED_TRY(fed_file_begin(&file, path));
    fed_file_append(&file, image, bytes);
    if (!file.error)
        file.error =
            fill(growth, tables, file.descriptor, fed_header_of_file(image, bytes), length);
    FED_TRY(fed_file_sync(&file));
    int descriptor = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0);
    if (descriptor < 0)
        file.error = errno;
    fed_status_t status = fed_file_finish(&file);
    if (status == FED_OK)
        take_over(growth, tables, descriptor);
    else if (descriptor >= 0)
        close(descriptor);
    return status;
}
