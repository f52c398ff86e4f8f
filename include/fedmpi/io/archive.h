/** Archives: HDF5 files that are built in memory, appear whole, and whose tables grow in place.
 *
 * HDF5 works on an image in memory; publishing writes the image beside the file
 * and renames it. When nothing but rows has come since, their bytes are written into the file
 * where it has room for them, and only then counted: what a round costs does not grow with the
 * rounds behind it, and rows are not held in memory once they are in the file.
 * So a reader never meets a half-written file or a lock, a kill at any moment leaves the last
 * published state or the next, and no disk error reaches HDF5.
 * What is left to go wrong inside HDF5 is memory, which ends the run. Archives that
 * come from outside are only read, in a process of its own (core/isolate.h), for HDF5
 * does not survive every damaged file: links out of the file, values in other files,
 * plug-ins and sizes that the file does not bear out are refused.
 */
#ifndef FEDMPI_IO_ARCHIVE_H
#define FEDMPI_IO_ARCHIVE_H

#include "fedmpi/core/error.h"
#include "fedmpi/core/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fed_archive fed_archive_t;

/** Element types of arrays. */
typedef enum fed_element {
    FED_FLOAT32,
    FED_FLOAT64,
    FED_INT64,
    FED_UINT32,
    FED_BYTE
} fed_element_t;

#define FED_ARRAY_DIMENSIONS 4

/** An empty archive. */
fed_archive_t *fed_archive_create(void);

/** An archive that goes on from an image, which is copied; FED_INPUT if it is no
 * HDF5 file. `name` stands for it in messages. */
fed_status_t fed_archive_open(const void *image, size_t bytes, const char *name,
                              fed_archive_t **archive);

/** NULL is fine. */
void fed_archive_destroy(fed_archive_t *archive);

/** Attributes of an object ("/" is the root; groups are made); replaced if there. */
void fed_archive_describe(fed_archive_t *archive, const char *path, const char *name,
                          const char *text);
void fed_archive_describe_integer(fed_archive_t *archive, const char *path, const char *name,
                                  int64_t value);

/** A text data set; replaced if there. */
void fed_archive_put_text(fed_archive_t *archive, const char *path, const char *text);

/** An array; replaced if there. Groups in its path are made.
 * @param shape  [dimensions], 1 to FED_ARRAY_DIMENSIONS */
void fed_archive_put(fed_archive_t *archive, const char *path, fed_element_t element,
                     size_t dimensions, const size_t *shape, const void *data);

/** The same, compressed (gzip behind a byte shuffle, which every HDF5 reader knows): for what
 * is long, regular and written once. */
void fed_archive_put_compressed(fed_archive_t *archive, const char *path, fed_element_t element,
                                size_t dimensions, const size_t *shape, const void *data);

/** A table that is complete, with its units and help as attributes; compressed. */
void fed_archive_put_table(fed_archive_t *archive, const fed_table_t *table, const void *rows,
                           size_t count);

/** Make an empty table that grows. The last one that was made is the last to be written: where its
 * rows count, those of all others do. */
void fed_archive_create_table(fed_archive_t *archive, const fed_table_t *table);

/** Append rows[count] to a table that was created. */
void fed_archive_append(fed_archive_t *archive, const fed_table_t *table, const void *rows,
                        size_t count);

/** The archive as a file's bytes, without the rows of tables that grow; borrowed, until the
 * archive is next used. */
const void *fed_archive_view(fed_archive_t *archive, size_t *bytes);

/** Let the file at the path be what the archive is. Of a failure, a kill or the end of the process
 * the file shows nothing but some rows less; a file that another one has replaced, or that was
 * removed, is made again.
 * @param last  nothing is added any more: the file has no room to grow, and is on the disk */
fed_status_t fed_archive_publish(fed_archive_t *archive, const char *path, bool last);

/** Let rows that wait go into a file without a name, made in the folder of this path, from which
 * the next fed_archive_publish takes them: what is at its own path stays until then. */
fed_status_t fed_archive_spill(fed_archive_t *archive, const char *path);

/** Is there an object at this path? */
bool fed_archive_has(const fed_archive_t *archive, const char *path);

/** Read a whole array. FED_INPUT, naming the archive, unless it is there with exactly
 * this element type and shape.
 * @param data  [out] [product of shape] */
fed_status_t fed_archive_get(fed_archive_t *archive, const char *path, fed_element_t element,
                             size_t dimensions, const size_t *shape, void *data);

/** Name and version of the HDF5 library. */
const char *fed_archive_library(void);

#endif
