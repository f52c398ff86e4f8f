/* Files: replaced whole or not at all, read with a limit. */
#include "support.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/isolate.h"
#include "fedmpi/core/stop.h"

#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void assert_content(const char *path, const char *expected) {
    size_t bytes;
    char *content = read_file(path, &bytes);
    assert_int_equal(bytes, strlen(expected));
    assert_memory_equal(content, expected, bytes);
    free(content);
}

static void a_file_is_replaced(void **state) {
    (void)state;
    const char *path = path_of("new");
    for (int durable = 0; durable < 2; durable++) {
        assert_ok(fed_file_replace(path, "first", 5, durable));
        assert_content(path, "first");
        assert_ok(fed_file_replace(path, "", 0, durable));
        assert_content(path, "");
        assert_true(fed_file_exists(path));
        assert_false(fed_file_exists(path_of("new.part")));
    }
}

static void missing_folders_are_made(void **state) {
    (void)state;
    const char *path = path_of("a/b/c/file");
    assert_ok(fed_file_replace(path, "deep", 4, true));
    assert_content(path, "deep");
}

/* A folder that cannot be made is named with the reason, and those above it are taken back. */
static void folders_are_made_all_or_none(void **state) {
    (void)state;
    char longest[NAME_MAX + 2] = "";
    memset(longest, 'x', sizeof longest - 1);
    FED_AUTOFREE char *path = fed_format("all/or/%s/file", longest);
    assert_fails(FED_INPUT, "xxx: File name too long", fed_file_try(path_of(path)));
    assert_non_null(strstr(fed_error_message(), "cannot make the folder /"));
    assert_false(fed_file_exists(path_of("all")));
}

static void a_link_stays_a_link(void **state) {
    (void)state;
    mkdir(path_of("elsewhere"), 0777);
    assert_int_equal(symlink("elsewhere/link", path_of("link")), 0);
    assert_int_equal(symlink("real", path_of("elsewhere/link")), 0);
    for (int i = 0; i < 2; i++) { /* there is nothing at first */
        assert_ok(fed_file_replace(path_of("link"), "content", 7, i));
        struct stat found;
        assert_int_equal(lstat(path_of("link"), &found), 0);
        assert_true(S_ISLNK(found.st_mode));
        assert_int_equal(lstat(path_of("elsewhere/real"), &found), 0);
        assert_true(S_ISREG(found.st_mode));
        assert_content(path_of("link"), "content");
    }
    assert_false(fed_file_exists(path_of("elsewhere/real.part")));
    assert_int_equal(symlink("circle", path_of("circle")), 0);
    assert_fails(FED_INPUT, "circle: cannot write: Too many levels of symbolic links",
                 fed_file_replace(path_of("circle"), "content", 7, false));
}

/* Files may not grow beyond this. */
static void limit_files(rlim_t bytes) {
    struct rlimit limits;
    getrlimit(RLIMIT_FSIZE, &limits);
    limits.rlim_cur = bytes < limits.rlim_max ? bytes : limits.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limits);
}

static fed_status_t replace_beyond_limit(const char *path, size_t limit, const char *data) {
    limit_files(limit);
    fed_status_t status = fed_file_replace(path, data, strlen(data), true);
    limit_files(RLIM_INFINITY);
    return status;
}

static void a_failing_disk_leaves_the_old_content(void **state) {
    (void)state;
    const char *path = path_of("kept");
    assert_ok(fed_file_replace(path, "old", 3, false));
    for (size_t limit = 0; limit < 8; limit++) {
        assert_fails(FED_FAILURE, "kept: cannot write: File too large",
                     replace_beyond_limit(path, limit, "new text"));
        assert_content(path, "old");
        assert_false(fed_file_exists(path_of("kept.part")));
    }
    assert_ok(replace_beyond_limit(path, 8, "new text"));
    assert_content(path, "new text");
}

static void a_file_is_extended_behind_what_counts(void **state) {
    (void)state;
    const char *path = path_of("grows");
    assert_ok(fed_file_extend(path, 0, "first", 5));
    assert_ok(fed_file_extend(path, 5, "second", 6));
    assert_content(path, "firstsecond");
    for (size_t limit = 5; limit < 11; limit++) {
        limit_files(limit);
        fed_status_t status = fed_file_extend(path, 5, "second", 6);
        limit_files(RLIM_INFINITY);
        assert_fails(FED_FAILURE, "grows: cannot write: File too large", status);
        size_t bytes;
        char *content = read_file(path, &bytes);
        assert_true(bytes >= 5 && memcmp(content, "first", 5) == 0);
        free(content);
    }
    assert_ok(fed_file_extend(path, 5, "!", 1));
    assert_content(path, "first!");
    mkfifo(path_of("queue"), 0666);
    assert_fails(FED_INPUT, "queue: cannot write: exists and is not a regular file",
                 fed_file_extend(path_of("queue"), 0, "x", 1));
}

static void wrong_places_are_the_users(void **state) {
    (void)state;
    write_text("plain", "file");
    assert_fails(FED_INPUT, "cannot write: Not a directory",
                 fed_file_replace(path_of("plain/below"), "x", 1, false));
    mkdir(path_of("folder"), 0777);
    assert_fails(FED_INPUT, "folder: cannot write: Is a directory",
                 fed_file_replace(path_of("folder"), "x", 1, false));
    assert_false(fed_file_exists(path_of("folder.part")));
    mkfifo(path_of("pipe"), 0666);
    assert_fails(FED_INPUT, "pipe: cannot write: exists and is not a regular file",
                 fed_file_replace(path_of("pipe"), "x", 1, false));
    assert_fails(FED_INPUT, "exists and is not a regular file", fed_file_try(path_of("pipe")));
    assert_ok(fed_file_try(path_of("fresh/place")));
    assert_false(fed_file_exists(path_of("fresh/place")));
    assert_false(fed_file_exists(path_of("fresh/place.part")));
    assert_fails(FED_INPUT, "/proc/none/x: cannot make the folder /proc/none: No such file",
                 fed_file_replace("/proc/none/x", "x", 1, false));
}

static void a_file_is_read_up_to_its_limit(void **state) {
    (void)state;
    const char *path = write_text("read", "12345");
    void *data = NULL;
    size_t bytes = 0;
    assert_ok(fed_file_read(path, 5, &data, &bytes));
    assert_int_equal(bytes, 5);
    assert_memory_equal(data, "12345", 5);
    fed_free(data);
    assert_fails(FED_INPUT, "read: has 5 bytes, accepted is up to 4",
                 fed_file_read(path, 4, &data, &bytes));
    assert_ok(fed_file_read(write_text("read", ""), 0, &data, &bytes));
    assert_int_equal(bytes, 0);
    fed_free(data);
    assert_fails(FED_INPUT, "none: cannot read: No such file",
                 fed_file_read(path_of("none"), 5, &data, &bytes));
    assert_fails(FED_INPUT, "/tmp: cannot read", fed_file_read("/tmp", 1 << 20, &data, &bytes));
    assert_fails(FED_INPUT, "/dev/zero: cannot read",
                 fed_file_read("/dev/zero", 1 << 20, &data, &bytes));
}

static fed_status_t die_of(void *number) {
    raise(*(int *)number);
    return FED_OK;
}

/* The rest of a process group hears what ended the child: one test, for the flag stays up. */
static void a_child_that_is_stopped_stops_the_run(void **state) {
    (void)state;
    assert_fails(FED_INPUT, "it: damaged", fed_isolate(die_of, &(int){SIGSEGV}, 0, "it"));
    assert_int_equal(fed_stop_reason(), FED_STOP_NEVER);
    assert_fails(FED_STOPPED, "stopped by SIGUSR1", fed_isolate(die_of, &(int){SIGUSR1}, 0, "it"));
    assert_int_equal(fed_stop_reason(), SIGUSR1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_replaced),
        TEST(missing_folders_are_made),
        TEST(folders_are_made_all_or_none),
        TEST(a_link_stays_a_link),
        TEST(a_file_is_extended_behind_what_counts),
        TEST(wrong_places_are_the_users),
        TEST(a_failing_disk_leaves_the_old_content),
        TEST(a_file_is_read_up_to_its_limit),
        TEST(a_child_that_is_stopped_stops_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
