/** Bundles: named arrays in one block of bytes, for checkpoints.
 *
 * A record is a header (length of the name, element type, number of elements), the
 * name and the elements, each padded to 8 bytes. Reading gives pointers into the block
 * and allocates nothing; a block is walked once when it is opened and refused if any
 * record does not lie inside it.
 */
#ifndef FEDMPI_IO_BUNDLE_H
#define FEDMPI_IO_BUNDLE_H

#include "fedmpi/io/archive.h"

#include <sys/uio.h>

#define FED_BUNDLE_LOANS 40 /* of a bundle */

/** What is borrowed comes before the block's byte `at`. */
typedef struct fed_loan {
    size_t at;
    const void *data;
    size_t bytes;
} fed_loan_t;

typedef struct fed_bundle {
    unsigned char *block; /**< owned */
    size_t bytes, capacity;
    fed_loan_t loans[FED_BUNDLE_LOANS];
    size_t loan_count;
} fed_bundle_t;

/** Start from {0}; ends with fed_bundle_fini. */
void fed_bundle_put(fed_bundle_t *bundle, const char *name, fed_element_t element, size_t count,
                    const void *data);

/** The same without a copy: the data stay what they are as long as the bundle is there, which can
 * only be written then. */
void fed_bundle_lend(fed_bundle_t *bundle, const char *name, fed_element_t element, size_t count,
                     const void *data);

/** What to write, in pieces.
 * @param pieces  [out] [FED_BUNDLE_PIECES]; borrowed @return how many */
#define FED_BUNDLE_PIECES (2 * FED_BUNDLE_LOANS + 1)
size_t fed_bundle_pieces(const fed_bundle_t *bundle, struct iovec *pieces);

/** Rows of a table, and what their columns are. */
void fed_bundle_put_rows(fed_bundle_t *bundle, const fed_table_t *table, const void *rows,
                         size_t count);

/** Check a block from outside and go on with it; FED_INPUT if it is no bundle.
 * @param block  from fed_alloc, [bytes]; the bundle owns it from here on, in any case */
fed_status_t fed_bundle_open(fed_bundle_t *bundle, void *block, size_t bytes);

/** An array and its number of elements; NULL if there is none of this type.
 * The pointer is aligned to 8 bytes and borrowed. */
const void *fed_bundle_find(const fed_bundle_t *bundle, const char *name, fed_element_t element,
                            size_t *count);

/** Copy an array of exactly `count` elements; FED_INPUT if it is not there. */
fed_status_t fed_bundle_get(const fed_bundle_t *bundle, const char *name, fed_element_t element,
                            size_t count, void *data);

/** The next rows of a table, which may have been put any number of times. Borrowed.
 * @param at     [in,out] where to look on; 0 at first
 * @param count  [out] 0: there are no more
 * @return FED_INPUT unless they have exactly its columns */
fed_status_t fed_bundle_next_rows(const fed_bundle_t *bundle, const fed_table_t *table, size_t *at,
                                  const void **rows, size_t *count);

void fed_bundle_fini(fed_bundle_t *bundle);

#endif
