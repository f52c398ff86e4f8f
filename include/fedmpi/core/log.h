/** What the user sees on stderr: one speaking rank, three volumes, one live line.
 *
 * On a terminal the live line is redrawn in place and other lines appear above
 * it; in a file or a Slurm log there is no live line. A rank under mpirun always
 * sees a pipe, so the terminal is looked for at the launcher, its parent process.
 */
#ifndef FEDMPI_CORE_LOG_H
#define FEDMPI_CORE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

typedef enum fed_volume { FED_QUIET, FED_NORMAL, FED_VERBOSE } fed_volume_t;

/** Until this call the process speaks at FED_NORMAL. */
void fed_log_init(fed_volume_t volume, bool speaks);

/** Does stderr end at a terminal, here or at the launcher? */
bool fed_log_on_terminal(void);

/** A line at any volume, from any rank: the prefix and the message, fit for a terminal and cut at
 * FED_MESSAGE_BYTES. It leaves in one write, so that lines of several processes do not mix. */
void fed_say(const char *prefix, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fed_say_list(const char *prefix, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/** "fedmpi: warning: ..." at any volume. */
void fed_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A line at FED_NORMAL and above. */
void fed_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Would fed_detail say something here? For what costs time to find out. */
bool fed_log_is_verbose(void);

/** A line at FED_VERBOSE. */
void fed_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Redraw the live line; nothing where there is no terminal. */
void fed_live(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Take the live line away before something else is printed. */
void fed_live_clear(void);

/** The same before something goes to stdout. */
void fed_live_end(void);

#endif
