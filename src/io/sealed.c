/* Checksummed files. */
#include "fedmpi/io/sealed.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "fedmpi sealed file 1\n"
#define HEADER_BYTES 512
#define LARGEST_FILE ((size_t)1 << 40)

typedef struct header {
    char magic[32];
    uint64_t bytes;
    unsigned char hash[FED_HASH_BYTES]; /* of the content */
} header_t;

void fed_hash(const void *content, size_t bytes, unsigned char hash[FED_HASH_BYTES]) {
    crypto_generichash(hash, FED_HASH_BYTES, content, bytes, NULL, 0);
}

void fed_hash_pieces(const struct iovec *pieces, size_t count, unsigned char hash[FED_HASH_BYTES]) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, FED_HASH_BYTES);
    for (size_t i = 0; i < count; i++)
        crypto_generichash_update(&state, pieces[i].iov_base, pieces[i].iov_len);
    crypto_generichash_final(&state, hash, FED_HASH_BYTES);
}

static header_t make_header(const struct iovec *pieces, size_t count) {
    header_t header = {.bytes = 0};
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    for (size_t i = 0; i < count; i++)
        header.bytes += pieces[i].iov_len;
    fed_hash_pieces(pieces, count, header.hash);
    return header;
}

/* What stands at `path` becomes `previous`, and `path` is never missing: a second name
 * is made for it, which the new file then leaves alone. Without hard links (some file
 * systems) it is moved, and for a moment only `previous` is there. */
static void keep_previous(const char *path, const char *previous) {
    if (!fed_file_exists(path))
        return;
    FED_AUTOFREE char *second = fed_format("%s.part", previous);
    unlink(second);
    if (link(path, second) != 0)
        rename(path, previous); /* if that fails too, there is no previous one: no harm */
    else if (rename(second, previous) != 0)
        unlink(second); /* the one before stays */
}

fed_status_t fed_sealed_write(const char *path, const struct iovec *pieces, size_t count) {
    header_t header = make_header(pieces, count);
    char head[HEADER_BYTES] = {0};
    memcpy(head, &header, sizeof header);
    FED_AUTOFREE char *target = fed_file_resolve(path); /* a link has no predecessor */
    FED_AUTOFREE char *previous = fed_format("%s.previous", target);
    fed_file_t file;
    FED_TRY(fed_file_begin(&file, path));
    fed_file_append(&file, head, sizeof head);
    for (size_t i = 0; i < count; i++)
        fed_file_append(&file, pieces[i].iov_base, pieces[i].iov_len);
    FED_TRY(fed_file_sync(&file)); /* on the disk before the old one makes room */
    keep_previous(target, previous);
    return fed_file_finish(&file);
}

void fed_sealed_remove(const char *path) {
    FED_AUTOFREE char *target = fed_file_resolve(path);
    FED_AUTOFREE char *previous = fed_format("%s.previous", target);
    unlink(previous);
    unlink(target);
}

bool fed_sealed_exists(const char *path) {
    FED_AUTOFREE char *target = fed_file_resolve(path);
    FED_AUTOFREE char *previous = fed_format("%s.previous", target);
    return fed_file_exists(target) || fed_file_exists(previous);
}

static fed_status_t read_one(const char *path, void **content, size_t *bytes) {
    void *file;
    size_t file_bytes;
    FED_TRY(fed_file_read(path, LARGEST_FILE, &file, &file_bytes));
    header_t found = {0};
    if (file_bytes >= HEADER_BYTES)
        memcpy(&found, file, sizeof found);
    fed_status_t status = FED_OK;
    *bytes = file_bytes >= HEADER_BYTES ? file_bytes - HEADER_BYTES : 0;
    if (memcmp(found.magic, MAGIC, sizeof MAGIC) != 0) {
        status = fed_fail(FED_INPUT, "%s: not a checkpoint of this version of fedmpi", path);
    } else if (found.bytes != *bytes) {
        status = fed_fail(FED_INPUT, "%s: truncated: has %zu of %zu bytes", path, *bytes,
                          (size_t)found.bytes);
    } else {
        header_t expected = make_header(&(struct iovec){(char *)file + HEADER_BYTES, *bytes}, 1);
        if (memcmp(&found, &expected, sizeof found) != 0)
            status = fed_fail(FED_INPUT, "%s: damaged: the checksum does not fit", path);
    }
    if (status == FED_OK) {
        memmove(file, (char *)file + HEADER_BYTES, *bytes);
        *content = file;
    } else {
        fed_free(file);
    }
    return status;
}

fed_status_t fed_sealed_read(const char *path, void **content, size_t *bytes, bool *fell_back) {
    *content = NULL;
    *fell_back = false;
    FED_AUTOFREE char *target = fed_file_resolve(path);
    FED_AUTOFREE char *previous = fed_format("%s.previous", target);
    bool there = fed_file_exists(path), before = fed_file_exists(previous);
    if (!there && !before)
        return FED_OK;
    fed_status_t status = there ? read_one(path, content, bytes) : FED_INPUT;
    if (status == FED_OK || !before)
        return status;
    *fell_back = true;
    if (!there)
        return read_one(previous, content, bytes);
    FED_AUTOFREE char *reason = fed_strdup(fed_error_message());
    if (read_one(previous, content, bytes) != FED_OK)
        return fed_fail(FED_INPUT, "%s; and %s", reason, fed_error_message());
    fed_warn("%s; going on from %s", reason, previous);
    return FED_OK;
}

fed_status_t fed_sealed_read_previous(const char *path, void **content, size_t *bytes) {
    FED_AUTOFREE char *target = fed_file_resolve(path);
    FED_AUTOFREE char *previous = fed_format("%s.previous", target);
    return read_one(previous, content, bytes);
}

void fed_sealed_fall_back(const char *path) {
    FED_AUTOFREE char *target = fed_file_resolve(path);
    FED_AUTOFREE char *previous = fed_format("%s.previous", target);
    rename(previous, target); /* if that fails, it is as if nobody had fallen back */
}
