/** Journals: files that only grow, behind a mark that is kept elsewhere.
 *
 * A block of a journal is a header (length, and a BLAKE2b hash of the block before it and
 * this one's content) and its content. A mark says how far the journal counts and how its
 * last block hashes; so it vouches for everything before it. What stands behind a mark,
 * left by a run that was killed or goes on from an older mark, is cut off by the next
 * append. Contents are multiples of 8 bytes, as bundles are, and a bundle when joined.
 */
#ifndef FEDMPI_IO_JOURNAL_H
#define FEDMPI_IO_JOURNAL_H

#include "fedmpi/io/sealed.h"

#include <stdint.h>

typedef struct fed_mark {
    uint64_t bytes; /**< 0: an empty journal, there or not */
    unsigned char hash[FED_HASH_BYTES];
} fed_mark_t;

/** Append behind the mark, synced, and move the mark on. After an error, or a kill at any
 * moment, the journal is whole up to every mark that it had. */
fed_status_t fed_journal_append(const char *path, fed_mark_t *mark, const void *content,
                                size_t bytes);

/** The contents of all blocks up to the mark, joined.
 * @param content  [out] the caller frees it with fed_free
 * @return FED_INPUT if the journal is not whole up to there */
fed_status_t fed_journal_read(const char *path, const fed_mark_t *mark, void **content,
                              size_t *bytes);

#endif
