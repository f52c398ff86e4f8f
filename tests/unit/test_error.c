/* What a dying rank says: one line in one write, so that a launcher cannot put another between. */
#include "support.h"

#include "fedmpi/core/log.h"

#include <sys/socket.h>
#include <sys/wait.h>

#define ROOM (2 * FED_MESSAGE_BYTES)

static void give_up(void) {
    fed_give_up(FED_STOPPED, "no answer from %s", "rank 2\n");
}

static void die(void) {
    fed_die_at("src/a.c", 7, "no memory for %d bytes", 12);
}

static void warn(void) {
    fed_warn("%s is old", "it");
    _exit(0);
}

static void say_much(void) {
    FED_AUTOFREE char *text = FED_NEW_ARRAY(char, ROOM);
    memset(text, 'x', ROOM - 1);
    fed_say("fedmpi: ", "%s", text);
    _exit(0);
}

/* The only thing that a child process writes, as it leaves: stderr that keeps writes apart. */
static int said_by(void (*speaker)(void), char written[ROOM]) {
    int ends[2], status;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        speaker();
    }
    close(ends[1]);
    ssize_t length = read(ends[0], written, ROOM - 1);
    char more;
    assert_true(length > 0);
    written[length] = '\0';
    assert_int_equal(read(ends[0], &more, 1), 0);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_message_is_one_line_in_one_write(void **state) {
    (void)state;
    const struct {
        void (*speaker)(void);
        int exit_code;
        const char *line;
    } cases[] = {
        {give_up, 75, "fedmpi: rank 0: no answer from rank 2?\n"},
        {die, 1, "fedmpi: rank 0, src/a.c:7: no memory for 12 bytes\n"},
        {warn, 0, "fedmpi: warning: it is old\n"},
    };
    char written[ROOM];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(said_by(cases[i].speaker, written), cases[i].exit_code);
        assert_string_equal(written, cases[i].line);
    }
}

static void a_long_message_is_cut_before_the_end_of_its_line(void **state) {
    (void)state;
    char written[ROOM];
    assert_int_equal(said_by(say_much, written), 0);
    size_t length = strlen(written);
    assert_int_equal(length, FED_MESSAGE_BYTES - 1);
    assert_int_equal(strncmp(written, "fedmpi: xxx", 11), 0);
    assert_string_equal(written + length - 2, "x\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_one_line_in_one_write),
        TEST(a_long_message_is_cut_before_the_end_of_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
