/* Numbered files: every record as it was written, or refused. */
#include "support.h"

#include "fedmpi/io/numbered.h"

#include <sys/stat.h>

enum { RECORDS = 3, RECORD_BYTES = 5, FRONT_BYTES = 512 + RECORDS * 40 };

static const uint32_t numbers[RECORDS] = {7, 0, 4000000000U};
static const char records[RECORDS][RECORD_BYTES + 1] = {"seven", "zero.", "large"};
static unsigned char seal[FED_HASH_BYTES];

static void begin(fed_numbered_writer_t *writer) {
    assert_ok(fed_numbered_begin(writer, path_of("numbered"), RECORDS, RECORD_BYTES));
    for (size_t i = 0; i < RECORDS; i++)
        fed_numbered_append(writer, numbers[i], records[i]);
}

static void write_all(void) {
    fed_numbered_writer_t writer;
    unlink(path_of("numbered"));
    begin(&writer);
    assert_ok(fed_numbered_finish(&writer, seal));
}

/* The status of reading it all; what is read with FED_OK is what was written. */
static fed_status_t read_all(void) {
    fed_numbered_reader_t reader;
    FED_TRY(fed_numbered_open(&reader, path_of("numbered"), RECORDS, RECORD_BYTES, seal));
    fed_status_t status = FED_OK;
    for (size_t i = 0; i < RECORDS && status == FED_OK; i++) {
        char record[RECORD_BYTES];
        status = fed_numbered_read(&reader, i, record);
        if (status == FED_OK) {
            assert_int_equal(fed_numbered_number(&reader, i), numbers[i]);
            assert_memory_equal(record, records[i], RECORD_BYTES);
        }
    }
    fed_numbered_close(&reader);
    return status;
}

static void what_is_written_is_read(void **state) {
    (void)state;
    write_all();
    assert_ok(read_all());
    fed_numbered_reader_t reader;
    char record[RECORD_BYTES];
    assert_ok(fed_numbered_open(&reader, path_of("numbered"), RECORDS, RECORD_BYTES, seal));
    assert_ok(fed_numbered_read(&reader, 2, record)); /* in any order */
    assert_memory_equal(record, records[2], RECORD_BYTES);
    fed_numbered_close(&reader);
}

static void no_records_are_a_file_too(void **state) {
    (void)state;
    fed_numbered_writer_t writer;
    fed_numbered_reader_t reader;
    unsigned char of_none[FED_HASH_BYTES];
    assert_ok(fed_numbered_begin(&writer, path_of("none"), 0, RECORD_BYTES));
    assert_ok(fed_numbered_finish(&writer, of_none));
    assert_ok(fed_numbered_open(&reader, path_of("none"), 0, RECORD_BYTES, of_none));
    fed_numbered_close(&reader);
}

/* Any bit that flips in head, index and records. */
static void any_damage_is_noticed(void **state) {
    (void)state;
    size_t bytes;
    write_all();
    char *whole = read_file(path_of("numbered"), &bytes);
    assert_int_equal(bytes, FRONT_BYTES + RECORDS * RECORD_BYTES);
    for (size_t at = 0; at < bytes; at++)
        for (int bit = 0; bit < 8; bit++) {
            whole[at] ^= (char)(1 << bit);
            write_file("numbered", whole, bytes);
            assert_fails(FED_INPUT, "numbered: damaged: the checksum does not fit", read_all());
            whole[at] ^= (char)(1 << bit);
        }
    write_file("numbered", whole, bytes);
    assert_ok(read_all());
    free(whole);
}

static void any_truncation_is_noticed(void **state) {
    (void)state;
    size_t bytes;
    write_all();
    char *whole = read_file(path_of("numbered"), &bytes);
    for (size_t kept = 0; kept < bytes; kept++) {
        write_file("numbered", whole, kept);
        assert_fails(FED_INPUT, "numbered: truncated, or another file: has ", read_all());
    }
    char longer[FRONT_BYTES + RECORDS * RECORD_BYTES + 1] = {0};
    memcpy(longer, whole, bytes);
    write_file("numbered", longer, sizeof longer);
    assert_fails(FED_INPUT, "numbered: truncated, or another file: has ", read_all());
    free(whole);
}

static void records_of_two_files_do_not_mix(void **state) {
    (void)state;
    fed_numbered_writer_t writer;
    unsigned char other[FED_HASH_BYTES];
    assert_ok(fed_numbered_begin(&writer, path_of("numbered"), RECORDS, RECORD_BYTES));
    for (size_t i = 0; i < RECORDS; i++)
        fed_numbered_append(&writer, numbers[i], records[RECORDS - 1 - i]);
    assert_ok(fed_numbered_finish(&writer, other));
    size_t bytes;
    char *front = read_file(path_of("numbered"), &bytes);
    assert_fails(FED_INPUT, "numbered: damaged", read_all()); /* the first one's seal */
    write_all();
    assert_memory_not_equal(other, seal, sizeof seal);
    char *records_of = read_file(path_of("numbered"), &bytes);
    memcpy(front, records_of, FRONT_BYTES);
    write_file("numbered", front, bytes);
    assert_fails(FED_INPUT, "numbered: damaged", read_all());
    free(front);
    free(records_of);
}

/* What the checkpoint says of a file is not believed either. */
static void impossible_sizes_are_refused(void **state) {
    (void)state;
    static const size_t sizes[][2] = {
        {RECORDS + 1, RECORD_BYTES}, {RECORDS, RECORD_BYTES + 1},       {SIZE_MAX, RECORD_BYTES},
        {RECORDS, SIZE_MAX},         {SIZE_MAX / 45 + 1, RECORD_BYTES}, {0, 0},
    };
    fed_numbered_reader_t reader;
    write_all();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_fails(
            FED_INPUT, "numbered: truncated, or another file",
            fed_numbered_open(&reader, path_of("numbered"), sizes[i][0], sizes[i][1], seal));
}

static void what_is_no_file_is_refused(void **state) {
    (void)state;
    unlink(path_of("numbered"));
    assert_fails(FED_INPUT, "numbered: cannot read: No such file or directory", read_all());
    assert_int_equal(mkdir(path_of("numbered"), 0777), 0);
    assert_fails(FED_INPUT, "numbered: cannot read: Is a directory", read_all());
    rmdir(path_of("numbered"));
    assert_int_equal(mkfifo(path_of("numbered"), 0666), 0);
    assert_fails(FED_INPUT, "numbered: cannot read: is no file but a pipe", read_all());
    unlink(path_of("numbered"));
}

static void a_failing_write_leaves_nothing(void **state) {
    (void)state;
    fed_numbered_writer_t writer;
    assert_fails(FED_INPUT, "cannot make the folder",
                 fed_numbered_begin(&writer, "/proc/none/numbered", RECORDS, RECORD_BYTES));
    unlink(path_of("numbered"));
    begin(&writer);
    writer.file.error = 28; /* ENOSPC, of an append */
    unsigned char ignored[FED_HASH_BYTES];
    assert_fails(FED_FAILURE, "numbered: cannot write: No space left on device",
                 fed_numbered_finish(&writer, ignored));
    assert_int_not_equal(access(path_of("numbered"), F_OK), 0);
    assert_int_not_equal(access(path_of("numbered.part"), F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),         TEST(no_records_are_a_file_too),
        TEST(any_damage_is_noticed),           TEST(any_truncation_is_noticed),
        TEST(records_of_two_files_do_not_mix), TEST(impossible_sizes_are_refused),
        TEST(what_is_no_file_is_refused),      TEST(a_failing_write_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
