/* Chains of checksummed blocks. */
#include "fedmpi/io/journal.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"

#include <string.h>
#include <unistd.h>

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

/* A journal that is read, up to the mark. */
typedef struct reader {
    const char *path;
    int descriptor;
    fed_mark_t at; /* behind the blocks so far */
    uint64_t end;
} reader_t;

static fed_status_t fail_damaged(const reader_t *reader) {
    return fed_fail(FED_INPUT, "%s: damaged: the checksum does not fit at byte %zu", reader->path,
                    (size_t)reader->at.bytes);
}

static fed_status_t read_bytes(const reader_t *reader, uint64_t at, void *data, size_t bytes) {
    int code = fed_file_read_at(reader->descriptor, at, data, bytes);
    return code ? fed_file_fail_reading(reader->path, code) : FED_OK;
}

/* The next block. @param content  [out] the caller frees it with fed_free, in any case */
static fed_status_t read_block(reader_t *reader, void **content, size_t *bytes) {
    block_t head;
    uint64_t left = reader->end - reader->at.bytes;
    if (left < sizeof head)
        return fail_damaged(reader);
    FED_TRY(read_bytes(reader, reader->at.bytes, &head, sizeof head));
    if (head.bytes > left - sizeof head)
        return fail_damaged(reader);
    *bytes = head.bytes;
    *content = fed_alloc(*bytes, 1);
    FED_TRY(read_bytes(reader, reader->at.bytes + sizeof head, *content, *bytes));
    unsigned char hash[FED_HASH_BYTES];
    chain(reader->at.hash, *content, *bytes, hash);
    if (memcmp(hash, head.hash, sizeof hash) != 0)
        return fail_damaged(reader);
    memcpy(reader->at.hash, hash, sizeof hash);
    reader->at.bytes += sizeof head + head.bytes;
    return FED_OK;
}

/* All blocks. @param take  NULL: only look whether they are whole */
static fed_status_t read_blocks(reader_t *reader, fed_journal_take_t take, void *context) {
    fed_status_t status = FED_OK;
    reader->at = (fed_mark_t){0};
    while (status == FED_OK && reader->at.bytes < reader->end) {
        void *content = NULL;
        size_t bytes = 0;
        status = read_block(reader, &content, &bytes);
        if (status == FED_OK && take)
            status = take(context, content, bytes);
        else
            fed_free(content);
    }
    return status;
}

static fed_status_t walk(reader_t *reader, const fed_mark_t *mark, fed_journal_take_t take,
                         void *context) {
    FED_TRY(read_blocks(reader, NULL, NULL));
    if (memcmp(reader->at.hash, mark->hash, sizeof mark->hash) != 0)
        return fail_damaged(reader);
    return read_blocks(reader, take, context);
}

fed_status_t fed_journal_walk(const char *path, const fed_mark_t *mark, fed_journal_take_t take,
                              void *context) {
    reader_t reader = {.path = path, .end = mark->bytes};
    size_t bytes;
    if (mark->bytes == 0)
        return FED_OK;
    FED_TRY(fed_file_open(path, &reader.descriptor, &bytes));
    fed_status_t status = bytes < mark->bytes
                              ? fed_fail(FED_INPUT, "%s: truncated: has %zu of %zu bytes", path,
                                         bytes, (size_t)mark->bytes)
                              : walk(&reader, mark, take, context);
    close(reader.descriptor);
    return status;
}
