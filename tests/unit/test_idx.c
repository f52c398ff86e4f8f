/* IDX files: good ones, plain and gzipped, and every kind of damage. */
#include "idx_files.h"

#include "fedmpi/data/idx.h"

static fed_status_t read_all(const char *path) {
    fed_idx_header_t header;
    FED_TRY(fed_idx_read_header(path, &header));
    size_t count = header.sizes[0] * header.sizes[1] * header.sizes[2] * header.sizes[3];
    FED_AUTOFREE void *values = fed_alloc(count, 4);
    return fed_idx_read_values(path, &header, header.sizes[0], values);
}

/* [3][2][2] bytes 0 .. 11 */
static bytes_t small_images(void) {
    bytes_t bytes = idx_header(0x08, 3, (uint32_t[]){3, 2, 2});
    for (unsigned char i = 0; i < 12; i++)
        bytes.at[bytes.count++] = i;
    return bytes;
}

static void assert_small_images(const char *path) {
    fed_idx_header_t header;
    unsigned char values[12] = {0};
    assert_ok(fed_idx_read_header(path, &header));
    assert_int_equal(header.type, FED_IDX_UINT8);
    assert_int_equal(header.dimensions, 3);
    const size_t sizes[] = {3, 2, 2, 1};
    assert_memory_equal(header.sizes, sizes, sizeof sizes);
    assert_ok(fed_idx_read_values(path, &header, 3, values));
    for (unsigned char i = 0; i < 12; i++)
        assert_int_equal(values[i], i);
    memset(values, 0, sizeof values); /* the first entries only */
    assert_ok(fed_idx_read_values(path, &header, 2, values));
    assert_int_equal(values[7], 7);
    assert_int_equal(values[8], 0);
}

static void plain_and_gzipped_are_the_same(void **state) {
    (void)state;
    bytes_t images = small_images();
    assert_small_images(write_bytes("images", &images));
    assert_small_images(write_gz("images.gz", &images));
    assert_small_images(write_gz("gzipped-without-its-suffix", &images));
}

static void floats_are_turned_round(void **state) {
    (void)state;
    static const float expected[] = {1.5F, -0.0F, 3.4e38F, 1e-45F};
    bytes_t bytes = idx_header(0x0d, 2, (uint32_t[]){2, 2});
    for (size_t i = 0; i < 4; i++)
        put_float(&bytes, expected[i]);
    const char *path = write_bytes("floats", &bytes);
    fed_idx_header_t header;
    float values[4];
    assert_ok(fed_idx_read_header(path, &header));
    assert_int_equal(header.type, FED_IDX_FLOAT32);
    assert_ok(fed_idx_read_values(path, &header, 2, values));
    assert_memory_equal(values, expected, sizeof expected);
}

/* Every length that is not the right one, down to nothing. */
static void a_truncated_file_is_refused(void **state) {
    (void)state;
    bytes_t images = small_images();
    for (size_t whole = images.count--; images.count > 0; images.count--) {
        assert_fails(FED_INPUT, "cut: truncated", read_all(write_bytes("cut", &images)));
        assert_fails(FED_INPUT, "cut.gz: truncated", read_all(write_gz("cut.gz", &images)));
        assert_true(images.count < whole);
    }
    assert_fails(FED_INPUT, "empty: truncated", read_all(write_text("empty", "")));
}

static void a_truncated_compression_is_refused(void **state) {
    (void)state;
    bytes_t images = idx_header(0x08, 1, (uint32_t[]){5000});
    for (size_t i = 0; i < 5000; i++)
        images.at[images.count++] = (unsigned char)any_bits();
    size_t bytes;
    char *gz = read_file(write_gz("whole.gz", &images), &bytes);
    assert_ok(read_all(path_of("whole.gz")));
    for (size_t kept = 1; kept < bytes; kept += kept < 40 || kept + 140 > bytes ? 1 : 97)
        assert_fails(FED_INPUT, "cut.gz: ", read_all(write_file("cut.gz", gz, kept)));
    gz[bytes / 2] ^= 0x10;
    assert_fails(FED_INPUT,
                 "damaged.gz: cannot read: ", read_all(write_file("damaged.gz", gz, bytes)));
    free(gz);
}

static void a_longer_file_is_refused(void **state) {
    (void)state;
    bytes_t images = small_images();
    images.at[images.count++] = 0;
    assert_fails(FED_INPUT, "long: too long: the header promises 12 bytes of values, 13 follow",
                 read_all(write_bytes("long", &images)));
    assert_fails(FED_INPUT, "long.gz: goes on after the last value",
                 read_all(write_gz("long.gz", &images)));
}

static void a_wrong_start_is_refused(void **state) {
    (void)state;
    for (size_t at = 0; at < 4; at++)
        for (unsigned value = 0; value < 256; value++) {
            bytes_t images = small_images();
            bool signed_bytes = at == 2 && value == FED_IDX_INT8; /* as large */
            if (images.at[at] == value || signed_bytes)
                continue;
            images.at[at] = (unsigned char)value;
            fed_status_t status = read_all(write_bytes("wrong", &images));
            assert_int_equal(status, FED_INPUT);
        }
    assert_fails(FED_INPUT, "page.html: not an IDX file: starts with 3c 68 74 6d",
                 read_all(write_text("page.html", "<html>not found</html>")));
}

static void impossible_sizes_are_refused(void **state) {
    (void)state;
    static const uint32_t sizes[][4] = {
        {0, 2, 2, 1},
        {3, 0, 2, 1},
        {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
        {1U << 31, 1U << 31, 1, 1},
        {1U << 16, 1U << 16, 1U << 16, 1U << 16},
        {1U << 30, 1, 1, 1},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bytes_t bytes = idx_header(0x0d, 4, sizes[i]);
        bytes.count += 100;
        fed_idx_header_t header;
        assert_fails(FED_INPUT,
                     "huge: ", fed_idx_read_header(write_bytes("huge", &bytes), &header));
        assert_fails(FED_INPUT,
                     "huge.gz: ", fed_idx_read_header(write_gz("huge.gz", &bytes), &header));
    }
}

static void what_is_no_file_is_refused(void **state) {
    (void)state;
    assert_fails(FED_INPUT, "missing: cannot read: No such file", read_all(path_of("missing")));
    assert_fails(FED_INPUT, "/tmp: ", read_all("/tmp"));
}

static void a_file_that_changes_is_noticed(void **state) {
    (void)state;
    bytes_t images = small_images();
    const char *path = write_bytes("changes", &images);
    fed_idx_header_t header;
    unsigned char values[12];
    assert_ok(fed_idx_read_header(path, &header));
    bytes_t others = idx_header(0x08, 3, (uint32_t[]){2, 2, 3});
    others.count += 12;
    write_bytes("changes", &others);
    assert_fails(FED_INPUT, "changed while it was read",
                 fed_idx_read_values(path, &header, 3, values));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(plain_and_gzipped_are_the_same), TEST(floats_are_turned_round),
        TEST(a_truncated_file_is_refused),    TEST(a_truncated_compression_is_refused),
        TEST(a_longer_file_is_refused),       TEST(a_wrong_start_is_refused),
        TEST(impossible_sizes_are_refused),   TEST(what_is_no_file_is_refused),
        TEST(a_file_that_changes_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
