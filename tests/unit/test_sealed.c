/* Sealed files: whole or refused, with the version before to fall back on. */
#include "support.h"

#include "fedmpi/core/log.h"
#include "fedmpi/io/sealed.h"

#include <sys/stat.h>

#define HEADER_BYTES 512

static const char *fresh(void) {
    unlink(path_of("sealed"));
    unlink(path_of("sealed.previous"));
    return path_of("sealed");
}

static void write_sealed(const char *content) {
    assert_ok(
        fed_sealed_write(path_of("sealed"), &(struct iovec){(char *)content, strlen(content)}, 1));
}

/* @return from the version before? */
static bool assert_reads(const char *expected) {
    void *content;
    size_t bytes;
    bool fell_back;
    assert_ok(fed_sealed_read(path_of("sealed"), &content, &bytes, &fell_back));
    assert_int_equal(bytes, strlen(expected));
    assert_memory_equal(content, expected, bytes);
    fed_free(content);
    return fell_back;
}

static void assert_refused(const char *message) {
    void *content;
    size_t bytes;
    bool fell_back;
    assert_fails(FED_INPUT, message,
                 fed_sealed_read(path_of("sealed"), &content, &bytes, &fell_back));
}

static void what_is_written_is_read(void **state) {
    (void)state;
    fresh();
    write_sealed("one");
    assert_false(assert_reads("one"));
    assert_false(access(path_of("sealed.previous"), F_OK) == 0);
    write_sealed("two, longer");
    assert_reads("two, longer");
    write_sealed("");
    assert_reads("");
    unlink(path_of("sealed"));
    assert_true(assert_reads("two, longer")); /* from the version before */
}

static void nothing_there_is_no_error(void **state) {
    (void)state;
    void *content = &content;
    size_t bytes;
    bool fell_back;
    assert_ok(fed_sealed_read(fresh(), &content, &bytes, &fell_back));
    assert_null(content);
}

/* Any bit that flips, in the header's used part or in the content. */
static void any_damage_is_noticed(void **state) {
    (void)state;
    size_t bytes;
    fresh();
    write_sealed("0123456789abcdef");
    char *whole = read_file(path_of("sealed"), &bytes);
    assert_int_equal(bytes, HEADER_BYTES + 16);
    for (size_t at = 0; at < bytes; at += at == 71 ? HEADER_BYTES - 71 : 1)
        for (int bit = 0; bit < 8; bit++) {
            whole[at] ^= (char)(1 << bit);
            write_file("sealed", whole, bytes);
            void *content;
            size_t got;
            bool fell_back;
            /* behind the name there is padding up to byte 32, which is checked, too */
            assert_fails(FED_INPUT, "sealed: ",
                         fed_sealed_read(path_of("sealed"), &content, &got, &fell_back));
            whole[at] ^= (char)(1 << bit);
        }
    write_file("sealed", whole, bytes);
    assert_reads("0123456789abcdef");
    free(whole);
}

static void any_truncation_is_noticed(void **state) {
    (void)state;
    size_t bytes;
    fresh();
    write_sealed("0123456789abcdef");
    char *whole = read_file(path_of("sealed"), &bytes);
    for (size_t kept = 0; kept < bytes; kept++) {
        write_file("sealed", whole, kept);
        assert_refused(kept < HEADER_BYTES ? "sealed: not a checkpoint of this version"
                                           : "sealed: truncated: has ");
    }
    char longer[HEADER_BYTES + 17] = {0};
    memcpy(longer, whole, bytes);
    write_file("sealed", longer, sizeof longer);
    assert_refused("sealed: truncated: has 17 of 16 bytes");
    free(whole);
}

static void damage_falls_back_on_the_version_before(void **state) {
    (void)state;
    fresh();
    write_sealed("first");
    write_sealed("second");
    write_text("sealed", "no longer a checkpoint");
    fed_log_init(FED_QUIET, false); /* the warning is not for this terminal */
    assert_true(assert_reads("first"));
    write_text("sealed.previous", "neither");
    assert_refused("sealed.previous: not a checkpoint of this version");
    fed_log_init(FED_NORMAL, true);
}

/* A damaged version must not take the place of the whole one before it. */
static void what_was_fallen_back_on_is_kept_by_the_next_version(void **state) {
    (void)state;
    void *content;
    size_t bytes;
    fresh();
    write_sealed("first");
    write_sealed("second");
    assert_ok(fed_sealed_read_previous(path_of("sealed"), &content, &bytes));
    assert_memory_equal(content, "first", bytes);
    fed_free(content);
    write_text("sealed", "no longer a checkpoint");
    fed_sealed_fall_back(path_of("sealed"));
    assert_false(assert_reads("first"));
    assert_fails(FED_INPUT, "sealed.previous: cannot read",
                 fed_sealed_read_previous(path_of("sealed"), &content, &bytes));
    write_sealed("third");
    unlink(path_of("sealed"));
    assert_true(assert_reads("first"));
}

static void a_failing_write_keeps_what_is_there(void **state) {
    (void)state;
    fresh();
    write_sealed("first");
    write_sealed("second");
    mkdir(path_of("sealed.part"), 0777); /* the new version cannot be begun */
    assert_fails(FED_INPUT, "sealed: cannot write: ",
                 fed_sealed_write(path_of("sealed"), &(struct iovec){"third", 5}, 1));
    rmdir(path_of("sealed.part"));
    assert_reads("second");
    unlink(path_of("sealed"));
    assert_reads("first");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(nothing_there_is_no_error),
        TEST(any_damage_is_noticed),
        TEST(any_truncation_is_noticed),
        TEST(damage_falls_back_on_the_version_before),
        TEST(what_was_fallen_back_on_is_kept_by_the_next_version),
        TEST(a_failing_write_keeps_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
