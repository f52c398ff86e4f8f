/* Files of numbered records. */
#include "fedmpi/io/numbered.h"

#include "fedmpi/core/memory.h"

#include <string.h>
#include <unistd.h>

#define MAGIC "fedmpi numbered file 1\n"
#define HEAD_BYTES 512

typedef struct head {
    char magic[32];
    uint64_t count, record_bytes;
} head_t;

typedef struct entry {
    uint32_t number, unused;
    unsigned char hash[FED_HASH_BYTES];
} entry_t;

static size_t front_bytes(size_t count) {
    return HEAD_BYTES + count * sizeof(entry_t);
}

static head_t make_head(size_t count, size_t record_bytes) {
    head_t head = {.count = count, .record_bytes = record_bytes};
    memcpy(head.magic, MAGIC, sizeof MAGIC);
    return head;
}

static entry_t get_entry(const unsigned char *front, size_t i) {
    entry_t entry;
    memcpy(&entry, front + front_bytes(i), sizeof entry);
    return entry;
}

/* --- Writing ---------------------------------------------------------------------------- */

/* Room for head and index, which are known when all records are written. */
fed_status_t fed_numbered_begin(fed_numbered_writer_t *writer, const char *path, size_t count,
                                size_t record_bytes) {
    *writer = (fed_numbered_writer_t){.count = count, .record_bytes = record_bytes};
    FED_TRY(fed_file_begin(&writer->file, path));
    head_t head = make_head(count, record_bytes);
    writer->front = fed_alloc(front_bytes(count), 1);
    memset(writer->front, 0, front_bytes(count));
    memcpy(writer->front, &head, sizeof head);
    fed_file_append(&writer->file, writer->front, front_bytes(count));
    return FED_OK;
}

void fed_numbered_append(fed_numbered_writer_t *writer, uint32_t number, const void *record) {
    entry_t entry = {.number = number};
    fed_hash(record, writer->record_bytes, entry.hash);
    memcpy(writer->front + front_bytes(writer->written++), &entry, sizeof entry);
    fed_file_append(&writer->file, record, writer->record_bytes);
}

fed_status_t fed_numbered_finish(fed_numbered_writer_t *writer,
                                 unsigned char seal[FED_HASH_BYTES]) {
    fed_file_t *file = &writer->file;
    size_t bytes = front_bytes(writer->count);
    fed_hash(writer->front, bytes, seal);
    if (!file->error)
        file->error = fed_file_write_at(file->descriptor, 0, writer->front, bytes);
    fed_free(writer->front);
    FED_TRY(fed_file_sync(file));
    return fed_file_finish(file);
}

/* --- Reading ---------------------------------------------------------------------------- */

static fed_status_t fail_damaged(const char *path) {
    return fed_fail(FED_INPUT, "%s: damaged: the checksum does not fit", path);
}

/* Before memory is taken by what is expected of the file. */
static fed_status_t check_size(const fed_numbered_reader_t *reader, size_t there) {
    size_t expected, index;
    if (__builtin_mul_overflow(reader->count, sizeof(entry_t) + reader->record_bytes, &index) ||
        __builtin_add_overflow(index, (size_t)HEAD_BYTES, &expected) || there != expected)
        return fed_fail(FED_INPUT, "%s: truncated, or another file: has %zu bytes", reader->path,
                        there);
    return FED_OK;
}

static fed_status_t read_front(fed_numbered_reader_t *reader,
                               const unsigned char seal[FED_HASH_BYTES]) {
    size_t bytes = front_bytes(reader->count);
    unsigned char hash[FED_HASH_BYTES];
    head_t expected = make_head(reader->count, reader->record_bytes);
    reader->front = fed_alloc(bytes, 1);
    int code = fed_file_read_at(reader->descriptor, 0, reader->front, bytes);
    if (code)
        return fed_file_fail_reading(reader->path, code);
    fed_hash(reader->front, bytes, hash);
    if (memcmp(hash, seal, sizeof hash) != 0 ||
        memcmp(reader->front, &expected, sizeof expected) != 0)
        return fail_damaged(reader->path);
    return FED_OK;
}

fed_status_t fed_numbered_open(fed_numbered_reader_t *reader, const char *path, size_t count,
                               size_t record_bytes, const unsigned char seal[FED_HASH_BYTES]) {
    *reader = (fed_numbered_reader_t){.path = path, .count = count, .record_bytes = record_bytes};
    size_t bytes;
    FED_TRY(fed_file_open(path, &reader->descriptor, &bytes));
    fed_status_t status = check_size(reader, bytes);
    if (status == FED_OK)
        status = read_front(reader, seal);
    if (status != FED_OK)
        fed_numbered_close(reader);
    return status;
}

uint32_t fed_numbered_number(const fed_numbered_reader_t *reader, size_t i) {
    return get_entry(reader->front, i).number;
}

fed_status_t fed_numbered_read(const fed_numbered_reader_t *reader, size_t i, void *record) {
    unsigned char hash[FED_HASH_BYTES];
    entry_t entry = get_entry(reader->front, i);
    int code =
        fed_file_read_at(reader->descriptor, front_bytes(reader->count) + i * reader->record_bytes,
                         record, reader->record_bytes);
    if (code)
        return fed_file_fail_reading(reader->path, code);
    fed_hash(record, reader->record_bytes, hash);
    return memcmp(hash, entry.hash, sizeof hash) == 0 ? FED_OK : fail_damaged(reader->path);
}

void fed_numbered_close(fed_numbered_reader_t *reader) {
    close(reader->descriptor);
    fed_free(reader->front);
    *reader = (fed_numbered_reader_t){.descriptor = -1};
}
