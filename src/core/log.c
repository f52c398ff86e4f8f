/* Messages to stderr, with a live line where a terminal shows it. */
#include "fedmpi/core/log.h"

#include "fedmpi/core/error.h"
#include "fedmpi/core/utf8.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"

static struct {
    fed_volume_t volume;
    bool speaks;
    bool live_line_shown;
} log_state = {.volume = FED_NORMAL, .speaks = true};

void fed_log_init(fed_volume_t volume, bool speaks) {
    log_state.volume = volume;
    log_state.speaks = speaks;
}

bool fed_log_on_terminal(void) {
    if (isatty(STDERR_FILENO))
        return true;
    char link[64], target[64];
    snprintf(link, sizeof link, "/proc/%ld/fd/%d", (long)getppid(), STDERR_FILENO);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    return strncmp(target, "/dev/pts/", 9) == 0 || strncmp(target, "/dev/tty", 8) == 0;
}

void fed_live_clear(void) {
    if (log_state.live_line_shown)
        fputs(CLEAR_LINE, stderr);
    log_state.live_line_shown = false;
}

void fed_live_end(void) {
    static const struct timespec moment = {.tv_nsec = 50000000};
    bool forwarded = log_state.live_line_shown && !isatty(STDERR_FILENO);
    fed_live_clear();
    if (forwarded) /* by the launcher, which does not keep stderr and stdout in order */
        nanosleep(&moment, NULL);
}

void fed_say_list(const char *prefix, const char *format, va_list arguments) {
    char line[FED_MESSAGE_BYTES];
    const size_t room = sizeof line - 1; /* for the text and its 0: the line's end comes after */
    size_t length = (size_t)snprintf(line, room, "%s", prefix);
    if (length < room)
        vsnprintf(line + length, room - length, format, arguments);
    fed_utf8_clean(line);
    length = strlen(line);
    line[length++] = '\n';
    fed_live_clear();
    fwrite(line, 1, length, stderr);
    fflush(stderr);
}

void fed_say(const char *prefix, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fed_say_list(prefix, format, arguments);
    va_end(arguments);
}

void fed_warn(const char *format, ...) {
    if (!log_state.speaks)
        return;
    va_list arguments;
    va_start(arguments, format);
    fed_say_list("fedmpi: warning: ", format, arguments);
    va_end(arguments);
}

void fed_info(const char *format, ...) {
    if (!log_state.speaks || log_state.volume < FED_NORMAL)
        return;
    va_list arguments;
    va_start(arguments, format);
    fed_say_list("", format, arguments);
    va_end(arguments);
}

bool fed_log_is_verbose(void) {
    return log_state.speaks && log_state.volume >= FED_VERBOSE;
}

void fed_detail(const char *format, ...) {
    if (!fed_log_is_verbose())
        return;
    va_list arguments;
    va_start(arguments, format);
    fed_say_list("", format, arguments);
    va_end(arguments);
}

void fed_live(const char *format, ...) {
    if (!log_state.speaks || log_state.volume == FED_QUIET || !fed_log_on_terminal())
        return;
    va_list arguments;
    va_start(arguments, format);
    char line[256];
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, CLEAR_LINE "%s", line);
    fflush(stderr);
    log_state.live_line_shown = true;
}
