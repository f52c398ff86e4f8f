/* Tables that grow inside a file that others read meanwhile.
 *
 * A table's rows lie one after another in a place of their own, with room for more. Adding rows
 * writes them behind the last one, where no reader looks, and then changes one number of eight
 * bytes: how many there are. So what it costs does not depend on how many there are, and at any
 * moment, also when the process is killed, the file is one that HDF5 reads. When a table has no
 * room left the file is written anew beside the old one, with twice the room, and renamed: that
 * comes ever more rarely, and readers of the old file keep it.
 *
 * Where other machines may see writes in another order (NFS) rows are synced before they count. */
#ifndef FEDMPI_IO_GROWTH_H
#define FEDMPI_IO_GROWTH_H

#include "header.h"

#include "fedmpi/core/error.h"
#include "fedmpi/core/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One table of a file. */
typedef struct fed_growing {
    const fed_table_t *table;
    fed_header_t header;    /* in the file */
    size_t first;           /* offset of row 0 in the file */
    size_t rows, room;      /* that the file has, and that it could have */
    unsigned char *waiting; /* rows that are not in the file yet */
    size_t waiting_rows, waiting_room;
} fed_growing_t;

/* A file and its tables; {.descriptor = -1}: no file yet. */
typedef struct fed_growth {
    fed_growing_t *tables;
    size_t count;
    int descriptor; /* of the file, open also when its name is another's */
    bool remote;    /* its writes need a sync to be seen in order */
} fed_growth_t;

void fed_growth_fini(fed_growth_t *growth);

/* The table's place, made if it is not there; valid until the next call. */
fed_growing_t *fed_growth_table(fed_growth_t *growth, const fed_table_t *table);

/* Rows wait until they are written. */
void fed_growth_append(fed_growth_t *growth, const fed_table_t *table, const void *rows,
                       size_t count);

/* Is the file still the one at this path, with room for what waits? */
bool fed_growth_fits(const fed_growth_t *growth, const char *path);

/* Is there a file, whatever its name, with room for what waits? */
bool fed_growth_has_room(const fed_growth_t *growth);

/* Write what waits into the file, which has room for it: table after table, so that rows of the
 * last one count when those of all others do. */
fed_status_t fed_growth_write(fed_growth_t *growth, const char *path);

/* Write a file anew: the image, all rows that the file before it had, and those that wait.
 * Synced, then renamed; after an error all is as it was.
 * @param image    [bytes] HDF5's file, in which every table has a header and no rows
 * @param headers  [growth->count] where
 * @param last     nothing is added any more: without room */
fed_status_t fed_growth_rewrite(fed_growth_t *growth, const char *path, const void *image,
                                size_t bytes, const fed_header_t *headers, bool last);

#endif
