/* IDX files through zlib, which reads plain files as they are. */
#include "fedmpi/data/idx.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/stop.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define DEFLATE_MAX_RATIO 1032 /* no byte of a deflate stream stands for more */
#define CHUNK_BYTES ((size_t)16 << 20)

/* Bytes of a value in the file; 0: there is no such type. */
static size_t type_bytes(unsigned type) {
    static const unsigned char bytes[] = {
        [FED_IDX_UINT8] = 1, [FED_IDX_INT8] = 1,    [FED_IDX_INT16] = 2,
        [FED_IDX_INT32] = 4, [FED_IDX_FLOAT32] = 4, [FED_IDX_FLOAT64] = 8};
    return type < sizeof bytes ? bytes[type] : 0;
}

static size_t value_bytes(const fed_idx_header_t *header) {
    return type_bytes(header->type);
}

static fed_status_t open_file(const char *path, gzFile *file) {
    errno = 0;
    *file = gzopen(path, "rb");
    if (!*file)
        return fed_fail(FED_INPUT, "%s: cannot read: %s", path,
                        errno ? strerror(errno) : "no memory");
    gzbuffer(*file, 1 << 18);
    return FED_OK;
}

/* The file ends before `bytes`, or its compression is damaged. */
static fed_status_t read_exactly(gzFile file, const char *path, void *into, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        if (fed_stop_requested())
            return fed_stop_status();
        size_t wanted = bytes - done < CHUNK_BYTES ? bytes - done : CHUNK_BYTES;
        int got = gzread(file, (char *)into + done, (unsigned)wanted);
        if (got < 0) {
            int code;
            const char *reason = gzerror(file, &code);
            return fed_fail(FED_INPUT, "%s: cannot read: %s", path,
                            code == Z_ERRNO ? strerror(errno) : reason);
        }
        if (got == 0)
            return fed_fail(FED_INPUT, "%s: truncated: %zu bytes are missing", path, bytes - done);
        done += (size_t)got;
    }
    return FED_OK;
}

static uint32_t big_endian(const unsigned char bytes[4]) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static size_t header_bytes(const fed_idx_header_t *header) {
    return 4 + 4 * header->dimensions;
}

/* Could a file of this size hold what its header promises? */
static fed_status_t check_size(gzFile file, const char *path, const fed_idx_header_t *header) {
    size_t promised = value_bytes(header);
    for (size_t d = 0; d < header->dimensions; d++)
        if (header->sizes[d] == 0 ||
            __builtin_mul_overflow(promised, header->sizes[d], &promised) ||
            promised > SIZE_MAX / 4)
            return fed_fail(FED_INPUT, "%s: impossible size %zu in dimension %zu of the header",
                            path, header->sizes[d], d + 1);
    struct stat status;
    if (stat(path, &status) != 0)
        return fed_file_fail_reading(path, errno);
    size_t holds = (size_t)status.st_size;
    if (gzdirect(file)) {
        if (holds != header_bytes(header) + promised)
            return fed_fail(
                FED_INPUT, "%s: %s: the header promises %zu bytes of values, %zu follow", path,
                holds < header_bytes(header) + promised ? "truncated" : "too long", promised,
                holds > header_bytes(header) ? holds - header_bytes(header) : 0);
    } else if (promised / DEFLATE_MAX_RATIO > holds) {
        return fed_fail(FED_INPUT,
                        "%s: truncated: %zu compressed bytes cannot hold the %zu that the header "
                        "promises",
                        path, holds, promised);
    }
    return FED_OK;
}

static fed_status_t parse_header(gzFile file, const char *path, fed_idx_header_t *header) {
    unsigned char bytes[4] = {0};
    FED_TRY(read_exactly(file, path, bytes, 4));
    if (bytes[0] || bytes[1] || type_bytes(bytes[2]) == 0 || bytes[3] < 1 ||
        bytes[3] > FED_IDX_DIMENSIONS)
        return fed_fail(FED_INPUT,
                        "%s: not an IDX file: starts with %02x %02x %02x %02x, accepted is 00 00, "
                        "a type (08, 09, 0b to 0e), 01 to %02x dimensions",
                        path, bytes[0], bytes[1], bytes[2], bytes[3], FED_IDX_DIMENSIONS);
    *header = (fed_idx_header_t){(fed_idx_type_t)bytes[2], bytes[3], {1, 1, 1, 1}, false};
    for (size_t d = 0; d < header->dimensions; d++) {
        FED_TRY(read_exactly(file, path, bytes, 4));
        header->sizes[d] = big_endian(bytes);
    }
    return check_size(file, path, header);
}

fed_status_t fed_idx_read_header(const char *path, fed_idx_header_t *header) {
    gzFile file;
    FED_TRY(open_file(path, &file));
    fed_status_t status = parse_header(file, path, header);
    gzclose(file);
    return status;
}

static uint64_t bits_of(const fed_idx_header_t *header, const unsigned char *bytes) {
    size_t count = value_bytes(header);
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++)
        bits = bits << 8 | bytes[header->little_endian ? count - 1 - i : i];
    return bits;
}

static float to_float(const fed_idx_header_t *header, const unsigned char *bytes) {
    uint64_t bits = bits_of(header, bytes);
    uint32_t word = (uint32_t)bits;
    float value;
    double wide;
    switch (header->type) {
    case FED_IDX_INT8:
        return (float)(int8_t)bits;
    case FED_IDX_INT16:
        return (float)(int16_t)bits;
    case FED_IDX_INT32:
        return (float)(int32_t)word;
    case FED_IDX_FLOAT32:
        memcpy(&value, &word, sizeof value);
        return value;
    case FED_IDX_FLOAT64:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    case FED_IDX_UINT8:
        break;
    }
    return (float)bits;
}

/* A slab at a time: a file's values may take more room than the floats. */
static fed_status_t read_floats(gzFile file, const char *path, const fed_idx_header_t *header,
                                size_t count, float *values) {
    enum { SLAB = 1 << 16 };
    size_t bytes = value_bytes(header);
    FED_AUTOFREE unsigned char *slab = fed_alloc(SLAB * bytes, 1);
    for (size_t first = 0; first < count; first += SLAB) {
        size_t here = count - first < SLAB ? count - first : SLAB;
        FED_TRY(read_exactly(file, path, slab, here * bytes));
        for (size_t i = 0; i < here; i++)
            values[first + i] = to_float(header, slab + i * bytes);
    }
    return FED_OK;
}

static fed_status_t check_end(gzFile file, const char *path) {
    char extra;
    int got = gzread(file, &extra, 1), code = Z_OK;
    if (got > 0)
        return fed_fail(FED_INPUT, "%s: goes on after the last value that its header promises",
                        path);
    const char *reason = gzerror(file, &code);
    if (code == Z_BUF_ERROR) /* zlib calls it an end like any other */
        return fed_fail(FED_INPUT, "%s: truncated: the end of the compressed data is missing",
                        path);
    if (got < 0)
        return fed_fail(FED_INPUT, "%s: cannot read: %s", path, reason);
    return FED_OK;
}

static fed_status_t read_values(gzFile file, const char *path, const fed_idx_header_t *header,
                                size_t entries, void *values) {
    fed_idx_header_t again = {0};
    FED_TRY(parse_header(file, path, &again));
    if (again.type != header->type || again.dimensions != header->dimensions ||
        memcmp(again.sizes, header->sizes, sizeof again.sizes) != 0)
        return fed_fail(FED_INPUT, "%s: changed while it was read", path);
    size_t count = entries;
    for (size_t d = 1; d < header->dimensions; d++)
        count *= header->sizes[d];
    FED_TRY(header->type == FED_IDX_UINT8 ? read_exactly(file, path, values, count)
                                          : read_floats(file, path, header, count, values));
    return entries == header->sizes[0] ? check_end(file, path) : FED_OK;
}

fed_status_t fed_idx_read_values(const char *path, const fed_idx_header_t *header, size_t entries,
                                 void *values) {
    gzFile file;
    FED_TRY(open_file(path, &file));
    fed_status_t status = read_values(file, path, header, entries, values);
    gzclose(file);
    return status;
}
