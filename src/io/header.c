/* Reading object headers, as the HDF5 File Format Specification (version 3.0) describes them:
 * IV.A.1.a, version 1, of which any release of HDF5 makes the same when it is asked for the
 * earliest format. They have no checksums, so that a number in them can be changed by itself. */
#include "header.h"

#include "fedmpi/core/error.h"

#include <stdbool.h>
#include <string.h>

#define PREFIX_BYTES 16   /* of an object header */
#define MESSAGE_BYTES 8   /* before a message's content */
#define MOST_BLOCKS 64    /* of a header; more go in a circle */
#define SUPERBLOCK_END 40 /* of a version 0 superblock: end of file address */

enum { DATASPACE = 0x0001, LAYOUT = 0x0008, CONTINUATION = 0x0010 };

typedef struct span {
    const unsigned char *image;
    size_t bytes;
} span_t;

static const unsigned char *look(span_t span, uint64_t at, size_t bytes) {
    if (at > span.bytes || bytes > span.bytes - at)
        fed_die("HDF5: a header at %llu lies outside the file", (unsigned long long)at);
    return span.image + at;
}

/* A number of 1 to 8 bytes. */
static uint64_t number(span_t span, uint64_t at, size_t bytes) {
    const unsigned char *from = look(span, at, bytes);
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | from[i];
    return value;
}

static void expect(bool holds, const char *what) {
    if (!holds)
        fed_die("HDF5: %s is not as in the earliest format", what);
}

/* Version 1, one dimension. */
static size_t check_dataspace(span_t span, uint64_t at) {
    expect(number(span, at, 1) == 1 && number(span, at + 1, 1) == 1, "a table's data space");
    expect(at % 8 == 0, "the alignment of a table's header");
    return at;
}

/* Version 3, contiguous: address and size stand behind 2 bytes. */
static size_t address_in_layout(span_t span, uint64_t at) {
    expect(number(span, at, 1) == 3 && number(span, at + 1, 1) == 1, "a table's layout");
    return at + 2;
}

/* The messages of a block of a header; those in blocks that continue it, too. */
static void read_messages(span_t span, uint64_t at, uint64_t end, unsigned blocks,
                          fed_header_t *found) {
    while (at + MESSAGE_BYTES <= end) {
        uint64_t type = number(span, at, 2), size = number(span, at + 2, 2);
        uint64_t content = at + MESSAGE_BYTES;
        if (type == DATASPACE) {
            found->space = check_dataspace(span, content);
            found->rows = found->space + 8;
        } else if (type == LAYOUT) {
            found->address = address_in_layout(span, content);
            found->bytes = found->address + 8;
        } else if (type == CONTINUATION) {
            uint64_t next = number(span, content, 8);
            expect(blocks > 1, "the length of a table's header");
            read_messages(span, next, next + number(span, content + 8, 8), blocks - 1, found);
        }
        at = content + size;
    }
}

fed_header_t fed_header_find(const unsigned char *image, size_t bytes, uint64_t object) {
    span_t span = {image, bytes};
    fed_header_t found = {0};
    expect(number(span, object, 1) == 1, "a table's header");
    uint64_t first = object + PREFIX_BYTES;
    read_messages(span, first, first + number(span, object + 8, 4), MOST_BLOCKS, &found);
    expect(found.rows > 0 && found.address > 0, "a table");
    return found;
}

size_t fed_header_of_file(const unsigned char *image, size_t bytes) {
    static const unsigned char start[9] = "\x89HDF\r\n\x1a\n"; /* and version 0 */
    span_t span = {image, bytes};
    expect(memcmp(look(span, 0, sizeof start), start, sizeof start) == 0, "the superblock");
    expect(number(span, SUPERBLOCK_END, 8) == bytes, "the file's length");
    return SUPERBLOCK_END;
}
