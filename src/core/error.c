/* Error messages, exit codes and the way to die. */
#include "fedmpi/core/error.h"

#include "fedmpi/core/log.h"
#include "fedmpi/core/utf8.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PREFIX_BYTES 256 /* who and where, before a message */

static char last_message[FED_MESSAGE_BYTES];
static void (*abort_ranks)(int exit_code);
static int abort_rank;

int fed_status_exit_code(fed_status_t status) {
    static const int codes[] = {
        [FED_OK] = 0, [FED_STOPPED] = 75, [FED_INPUT] = 2, [FED_DIVERGED] = 1, [FED_FAILURE] = 1,
    };
    return codes[status];
}

fed_status_t fed_fail(fed_status_t status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    /* Formatted beside, because an argument may be the previous message. */
    char message[sizeof last_message];
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    fed_utf8_clean(message); /* of a user's text: neither a new line nor a colour */
    snprintf(last_message, sizeof last_message, "%s", message);
    return status;
}

const char *fed_error_message(void) {
    return last_message;
}

static void end_all_ranks(fed_status_t status) {
    void (*abort_all_ranks)(int) = abort_ranks;
    abort_ranks = NULL; /* it may come back here, by exit() */
    if (abort_all_ranks)
        abort_all_ranks(fed_status_exit_code(status));
}

static _Noreturn void end_with(fed_status_t status) {
    end_all_ranks(status);
    _exit(fed_status_exit_code(status));
}

/* HDF5 ends the program without a word where it has no memory: the others would wait. */
static void end_at_exit(void) {
    if (!abort_ranks)
        return;
    char prefix[PREFIX_BYTES];
    snprintf(prefix, sizeof prefix, "fedmpi: rank %d: ", abort_rank);
    fed_say(prefix, "ended by a library, which may have no memory");
    end_all_ranks(FED_FAILURE);
}

void fed_set_abort(void (*abort_all_ranks)(int exit_code), int rank) {
    static bool registered;
    if (!registered)
        registered = atexit(end_at_exit) == 0;
    abort_ranks = abort_all_ranks;
    abort_rank = rank;
}

void fed_die_at(const char *file, int line, const char *format, ...) {
    char prefix[PREFIX_BYTES];
    snprintf(prefix, sizeof prefix, "fedmpi: rank %d, %s:%d: ", abort_rank, file, line);
    va_list arguments;
    va_start(arguments, format);
    fed_say_list(prefix, format, arguments);
    va_end(arguments);
    end_with(FED_FAILURE);
}

void fed_give_up(fed_status_t status, const char *format, ...) {
    char prefix[PREFIX_BYTES];
    snprintf(prefix, sizeof prefix, "fedmpi: rank %d: ", abort_rank);
    va_list arguments;
    va_start(arguments, format);
    fed_say_list(prefix, format, arguments);
    va_end(arguments);
    end_with(status);
}
