/* IDX files for tests: headers and values as bytes, plain or gzipped. */
#ifndef TESTS_UNIT_IDX_FILES_H
#define TESTS_UNIT_IDX_FILES_H

#include "support.h"

#include <zlib.h>

/* Bytes in the making. */
typedef struct bytes {
    unsigned char at[65536];
    size_t count;
} bytes_t;

static inline void put_big_endian(bytes_t *bytes, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes->at[bytes->count++] = (unsigned char)(value >> shift);
}

/* @param type 0x08 bytes, 0x0d floats */
static inline bytes_t idx_header(unsigned char type, unsigned char dimensions,
                                 const uint32_t *sizes) {
    bytes_t bytes = {.at = {0, 0, type, dimensions}, .count = 4};
    for (size_t d = 0; d < dimensions; d++)
        put_big_endian(&bytes, sizes[d]);
    return bytes;
}

static inline void put_float(bytes_t *bytes, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_big_endian(bytes, bits);
}

static inline const char *write_bytes(const char *name, const bytes_t *bytes) {
    return write_file(name, bytes->at, bytes->count);
}

static inline const char *write_gz(const char *name, const bytes_t *bytes) {
    const char *path = path_of(name);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes->at, (unsigned)bytes->count), bytes->count);
    assert_int_equal(gzclose(file), Z_OK);
    return path;
}

#endif
