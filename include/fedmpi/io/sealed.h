/** Sealed files: bytes with a checksum in front, the previous version kept.
 *
 * A header of 512 bytes (name and version of the format, length, BLAKE2b hash)
 * stands before the content: checkpoints are bundles (io/bundle.h) in such a file.
 */
#ifndef FEDMPI_IO_SEALED_H
#define FEDMPI_IO_SEALED_H

#include "fedmpi/core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#define FED_HASH_BYTES 32

/** BLAKE2b of some bytes. */
void fed_hash(const void *content, size_t bytes, unsigned char hash[FED_HASH_BYTES]);

/** The same of several, as if they stood one behind another. */
void fed_hash_pieces(const struct iovec *pieces, size_t count, unsigned char hash[FED_HASH_BYTES]);

/** Write PATH, synced; what was there becomes PATH.previous. Of a
 * symbolic link the file that it leads to is meant. After an error, or a kill at
 * any moment, at least one of the two is there and whole.
 * @param pieces  [count] of the content, in their order */
fed_status_t fed_sealed_write(const char *path, const struct iovec *pieces, size_t count);

/** Remove PATH and PATH.previous if they are there. */
void fed_sealed_remove(const char *path);

/** Is one of the two there, whole or not? */
bool fed_sealed_exists(const char *path);

/** Read PATH, or PATH.previous with a warning if PATH is missing or damaged.
 * @param content    [out] the caller frees it with fed_free; NULL if neither file exists
 * @param fell_back  [out] it is that of PATH.previous
 * @return FED_INPUT if neither that exists is whole */
fed_status_t fed_sealed_read(const char *path, void **content, size_t *bytes, bool *fell_back);

/** Read PATH.previous alone; FED_INPUT if it is missing or not whole. */
fed_status_t fed_sealed_read_previous(const char *path, void **content, size_t *bytes);

/** PATH.previous is what counts: it becomes PATH, so that the next version keeps it. */
void fed_sealed_fall_back(const char *path);

#endif
