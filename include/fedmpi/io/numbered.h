/** Numbered files: records of equal size, each with a number, written and read one by one.
 *
 * A head of 512 bytes (name and version of the format, how many records of how many bytes), an
 * index (the number and the BLAKE2b hash of each record), and the records. The seal of a file is
 * the hash of its head and its index: who has it from elsewhere knows that every record he reads
 * is the one that was written, and reads no other for that. Neither writing nor reading takes
 * more memory than the index and what the caller holds.
 */
#ifndef FEDMPI_IO_NUMBERED_H
#define FEDMPI_IO_NUMBERED_H

#include "fedmpi/core/file.h"
#include "fedmpi/io/sealed.h"

#include <stddef.h>
#include <stdint.h>

/** A file that is being written: under its name when it is whole and on the disk. */
typedef struct fed_numbered_writer {
    fed_file_t file;
    unsigned char *front; /**< owned: head and index */
    size_t count, record_bytes;
    size_t written; /**< records so far */
} fed_numbered_writer_t;

/** A file that is being read. */
typedef struct fed_numbered_reader {
    const char *path; /**< borrowed */
    int descriptor;
    unsigned char *front; /**< owned */
    size_t count, record_bytes;
} fed_numbered_reader_t;

/** After an error there is nothing to finish.
 * @param path  borrowed until the file is finished */
fed_status_t fed_numbered_begin(fed_numbered_writer_t *writer, const char *path, size_t count,
                                size_t record_bytes);

/** The next of `count` records. Errors are kept for the last step. */
void fed_numbered_append(fed_numbered_writer_t *writer, uint32_t number, const void *record);

/** After all records: the file is whole, synced, and has its name; after an error nothing of it
 * is left.
 * @param seal  [out] */
fed_status_t fed_numbered_finish(fed_numbered_writer_t *writer, unsigned char seal[FED_HASH_BYTES]);

/** Open the file that has this seal. After an error there is nothing to close.
 * @return FED_INPUT if it is missing, not whole, or another */
fed_status_t fed_numbered_open(fed_numbered_reader_t *reader, const char *path, size_t count,
                               size_t record_bytes, const unsigned char seal[FED_HASH_BYTES]);

/** The number of the i-th record. */
uint32_t fed_numbered_number(const fed_numbered_reader_t *reader, size_t i);

/** The i-th record itself, [record_bytes]; FED_INPUT if it is not the one that was written. */
fed_status_t fed_numbered_read(const fed_numbered_reader_t *reader, size_t i, void *record);

void fed_numbered_close(fed_numbered_reader_t *reader);

#endif
