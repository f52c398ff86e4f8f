/* Allocation: zeroed, aligned, counted; and what happens when there is none. */
#include "support.h"

#include <signal.h>
#include <sys/wait.h>

static bool is_zero(const unsigned char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (bytes[i])
            return false;
    return true;
}

static void memory_is_zeroed_and_aligned(void **state) {
    (void)state;
    for (size_t bytes = 0; bytes < 300; bytes++) {
        unsigned char *memory = fed_alloc(bytes, 1);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % FED_ALIGNMENT, 0);
        assert_true(is_zero(memory, bytes));
        memset(memory, 0xff, bytes);
        fed_free(memory);
    }
}

static void allocations_are_counted(void **state) {
    (void)state;
    void *memory = fed_alloc(3, 5);
    char *text = fed_strdup("text");
    char *formatted = fed_format("%d-%s", 7, text);
    assert_string_equal(formatted, "7-text");
    assert_int_equal(fed_memory_live(), 3);
    fed_free(memory);
    fed_free(text);
    fed_free(formatted);
    fed_free(NULL);
    assert_int_equal(fed_memory_live(), 0);
    {
        FED_AUTOFREE char *scoped = fed_strdup("scoped");
        assert_int_equal(fed_memory_live(), 1);
        assert_string_equal(scoped, "scoped");
    }
}

static void growing_keeps_and_zeroes(void **state) {
    (void)state;
    uint32_t *numbers = NULL;
    for (uint32_t count = 0; count < 100; count++) {
        numbers = fed_grow(numbers, count, count + 1, sizeof *numbers);
        assert_int_equal(numbers[count], 0);
        numbers[count] = count;
    }
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(numbers[i], i);
    numbers = fed_grow(numbers, 100, 10, sizeof *numbers); /* or less */
    assert_int_equal(numbers[9], 9);
    assert_int_equal(fed_memory_live(), 1);
    fed_free(numbers);
}

/* What a child process that allocates this says on stderr before it dies. */
static void die_allocating(size_t count, size_t size, char said[1024]) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        fed_free(fed_alloc(count, size));
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], said + length, 1023 - length)) > 0;)
        length += (size_t)got;
    said[length] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void impossible_sizes_die_with_a_message(void **state) {
    (void)state;
    char said[1024];
    die_allocating(SIZE_MAX / 2, 3, said);
    assert_non_null(strstr(said, "fedmpi: rank 0, tests/unit/test_memory.c:"));
    assert_non_null(strstr(said, "objects of 3 bytes do not fit into memory"));
    die_allocating(SIZE_MAX, 1, said);
    assert_non_null(strstr(said, "do not fit into memory"));
}

static void exit_codes_are_the_contracts(void **state) {
    (void)state;
    assert_int_equal(fed_status_exit_code(FED_OK), 0);
    assert_int_equal(fed_status_exit_code(FED_STOPPED), 75);
    assert_int_equal(fed_status_exit_code(FED_INPUT), 2);
    assert_int_equal(fed_status_exit_code(FED_DIVERGED), 1);
    assert_int_equal(fed_status_exit_code(FED_FAILURE), 1);
}

static void a_message_may_hold_the_one_before(void **state) {
    (void)state;
    assert_fails(FED_INPUT, "inner 7", fed_fail(FED_INPUT, "inner %d", 7));
    assert_fails(FED_FAILURE, "outer: inner 7",
                 fed_fail(FED_FAILURE, "outer: %s", fed_error_message()));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(memory_is_zeroed_and_aligned), TEST(allocations_are_counted),
        TEST(growing_keeps_and_zeroes),     TEST(impossible_sizes_die_with_a_message),
        TEST(exit_codes_are_the_contracts), TEST(a_message_may_hold_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
