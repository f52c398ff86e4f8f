/* Chains of checksummed blocks. */
#include "fedmpi/io/journal.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"

#include <string.h>

#define LARGEST_FILE ((size_t)1 << 40)

typedef struct block {
    uint64_t bytes;                     /* of its content */
    unsigned char hash[FED_HASH_BYTES]; /* of the hash before it and of its content's hash */
} block_t;

static void chain(const unsigned char before[FED_HASH_BYTES], const void *content, size_t bytes,
                  unsigned char hash[FED_HASH_BYTES]) {
    unsigned char both[2][FED_HASH_BYTES];
    memcpy(both[0], before, sizeof both[0]);
    fed_hash(content, bytes, both[1]);
    fed_hash(both, sizeof both, hash);
}

fed_status_t fed_journal_append(const char *path, fed_mark_t *mark, const void *content,
                                size_t bytes) {
    block_t head = {.bytes = bytes};
    chain(mark->hash, content, bytes, head.hash);
    FED_AUTOFREE char *block = fed_alloc(sizeof head + bytes, 1);
    memcpy(block, &head, sizeof head);
    memcpy(block + sizeof head, content, bytes);
    FED_TRY(fed_file_extend(path, mark->bytes, block, sizeof head + bytes));
    mark->bytes += sizeof head + bytes;
    memcpy(mark->hash, head.hash, sizeof head.hash);
    return FED_OK;
}

/* Take the headers out: what is left are the contents, joined. */
static fed_status_t join(const char *path, const fed_mark_t *mark, char *file, size_t *bytes) {
    fed_mark_t at = {0};
    size_t joined = 0;
    while (at.bytes < mark->bytes) {
        block_t head;
        size_t left = mark->bytes - at.bytes;
        if (left < sizeof head)
            break;
        memcpy(&head, file + at.bytes, sizeof head);
        const char *content = file + at.bytes + sizeof head;
        if (head.bytes > left - sizeof head)
            break;
        chain(at.hash, content, head.bytes, at.hash);
        if (memcmp(at.hash, head.hash, sizeof head.hash) != 0)
            break;
        memmove(file + joined, content, head.bytes);
        joined += head.bytes;
        at.bytes += sizeof head + head.bytes;
    }
    if (at.bytes != mark->bytes || memcmp(at.hash, mark->hash, sizeof at.hash) != 0)
        return fed_fail(FED_INPUT, "%s: damaged: the checksum does not fit at byte %zu", path,
                        (size_t)at.bytes);
    *bytes = joined;
    return FED_OK;
}

fed_status_t fed_journal_read(const char *path, const fed_mark_t *mark, void **content,
                              size_t *bytes) {
    void *file = NULL;
    size_t file_bytes = 0;
    if (mark->bytes > 0)
        FED_TRY(fed_file_read(path, LARGEST_FILE, &file, &file_bytes));
    fed_status_t status = file_bytes < mark->bytes
                              ? fed_fail(FED_INPUT, "%s: truncated: has %zu of %zu bytes", path,
                                         file_bytes, (size_t)mark->bytes)
                              : join(path, mark, file, bytes);
    if (status == FED_OK)
        *content = file;
    else
        fed_free(file);
    return status;
}
