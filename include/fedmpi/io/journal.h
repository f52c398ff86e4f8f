/** Journals: files that only grow, behind a mark that is kept elsewhere.
 *
 * A block of a journal is a header (length, and a BLAKE2b hash of the block before it and
 * this one's content) and its content. A mark says how far the journal counts and how its
 * last block hashes; so it vouches for everything before it. What stands behind a mark,
 * left by a run that was killed or goes on from an older mark, is cut off by the next
 * append.
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

/** Takes what a block has: content[bytes], which is the taker's, to be freed with fed_free. */
typedef fed_status_t (*fed_journal_take_t)(void *context, void *content, size_t bytes);

/** Give the blocks up to the mark, one after another and one at a time in memory. All of them are
 * checked before the first is given.
 * @return FED_INPUT if the journal is not whole up to there, or what `take` said, which ends it */
fed_status_t fed_journal_walk(const char *path, const fed_mark_t *mark, fed_journal_take_t take,
                              void *context);

#endif
