/* Checksummed files. */
#include "fedmpi/io/sealed.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAGIC "fedmpi sealed file 1\n"
#define HEADER_BYTES 512
#define HASH_BYTES crypto_generichash_BYTES
#define LARGEST_FILE ((size_t)1 << 40)

typedef struct header {
    char magic[32];
    uint64_t bytes;
    unsigned char hash[HASH_BYTES]; /* of the content */
} header_t;

static header_t make_header(const void *content, size_t bytes) {
    header_t header = {.bytes = bytes};
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    crypto_generichash(header.hash, HASH_BYTES, content, bytes, NULL, 0);
    return header;
}

fed_status_t fed_sealed_write(const char *path, const void *content, size_t bytes) {
    header_t header = make_header(content, bytes);
    FED_AUTOFREE char *file = fed_alloc(HEADER_BYTES + bytes, 1);
    memcpy(file, &header, sizeof header);
    memcpy(file + HEADER_BYTES, content, bytes);
    FED_AUTOFREE char *previous = fed_format("%s.previous", path);
    if (fed_file_exists(path))
        rename(path, previous); /* if that fails, the old one is replaced: no harm */
    return fed_file_replace(path, file, HEADER_BYTES + bytes, true);
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
        header_t expected = make_header((char *)file + HEADER_BYTES, *bytes);
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

fed_status_t fed_sealed_read(const char *path, void **content, size_t *bytes) {
    *content = NULL;
    FED_AUTOFREE char *previous = fed_format("%s.previous", path);
    fed_status_t status = FED_OK;
    if (fed_file_exists(path)) {
        status = read_one(path, content, bytes);
        if (status == FED_OK || !fed_file_exists(previous))
            return status;
        fed_warn("%s; going on from %s", fed_error_message(), previous);
    }
    return fed_file_exists(previous) ? read_one(previous, content, bytes) : status;
}
