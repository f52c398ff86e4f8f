/* What the unit tests share: cmocka, expected errors, a folder, random numbers. */
#ifndef TESTS_UNIT_SUPPORT_H
#define TESTS_UNIT_SUPPORT_H

#include "fedmpi/config/config.h"
#include "fedmpi/core/error.h"
#include "fedmpi/core/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* After each test: everything that it allocated has been freed. */
static inline int nothing_is_left(void **state) {
    (void)state;
    static size_t left_before; /* by tests that failed */
    size_t left = fed_memory_live() - left_before;
    left_before += left;
    if (left > 0)
        print_error("%zu allocations are left\n", left);
    return left > 0;
}

#define TEST(function) cmocka_unit_test_teardown(function, nothing_is_left)

#define assert_ok(call) check_status((call), FED_OK, "", #call, __FILE__, __LINE__)

/* The call fails with this status, and its message contains `text`. */
#define assert_fails(status, text, call)                                                           \
    check_status((call), (status), (text), #call, __FILE__, __LINE__)

static inline void check_status(fed_status_t got, fed_status_t expected, const char *text,
                                const char *call, const char *file, int line) {
    if (got != expected) {
        print_error("%s: status %d, expected %d; message: %s\n", call, (int)got, (int)expected,
                    got == FED_OK ? "" : fed_error_message());
        _fail(file, line);
    }
    if (!strstr(fed_error_message(), text)) {
        print_error("%s: message \"%s\" lacks \"%s\"\n", call, fed_error_message(), text);
        _fail(file, line);
    }
}

/* Set "section.key" from printf; a mistake fails the test. */
static inline void set(fed_config_t *config, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline void set(fed_config_t *config, const char *key, const char *format, ...) {
    char value[256], assignment[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    snprintf(assignment, sizeof assignment, "%s=%s", key, value);
    assert_ok(fed_config_override(config, assignment));
}

/* A path in a folder of this process, which is removed at its end. */
static char test_folder[64];

static inline void remove_test_folder(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", test_folder);
    if (system(command) != 0) /* NOLINT(cert-env33-c): our own folder */
        print_error("cannot remove %s\n", test_folder);
}

static inline const char *path_of(const char *name) {
    static char paths[8][320]; /* the last eight stay valid */
    static unsigned next;
    if (!*test_folder) {
        strcpy(test_folder, "/tmp/fedmpi-unit-XXXXXX");
        assert_non_null(mkdtemp(test_folder));
        atexit(remove_test_folder);
    }
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", test_folder, name);
    return path;
}

/* Write a file; the path is valid for a while. */
static inline const char *write_file(const char *name, const void *data, size_t bytes) {
    const char *path = path_of(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline const char *write_text(const char *name, const char *text) {
    return write_file(name, text, strlen(text));
}

/* Read a whole file; the caller frees it. */
static inline char *read_file(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s: cannot open", path);
    char *data = calloc(1, 1 << 20);
    *bytes = fread(data, 1, 1 << 20, file);
    fclose(file);
    return data;
}

/* Random numbers of the tests' own: SplitMix64. */
static uint64_t test_state = 1;

static inline uint64_t any_bits(void) {
    uint64_t z = (test_state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static inline size_t any_below(size_t bound) {
    return any_bits() % bound;
}

/* Uniform in [-1, 1). */
static inline double any_number(void) {
    return (double)(any_bits() >> 11) * 0x1p-52 - 1;
}

/* Fewer repetitions where each takes long: under valgrind. */
static inline size_t trials(size_t usual) {
    return getenv("FEDMPI_TEST_SHORT") ? 1 + usual / 10 : usual;
}

#endif
