/** Isolation: work on files from outside in a process of its own.
 *
 * HDF5 may crash, loop or ask for any amount of memory on a damaged file. A child
 * process with limits takes that risk; the parent gets the outcome.
 */
#ifndef FEDMPI_CORE_ISOLATE_H
#define FEDMPI_CORE_ISOLATE_H

#include "fedmpi/core/error.h"

#include <stddef.h>

/** Memory that a child's work leaves for its parent: zeroed, shared by both. */
void *fed_isolate_alloc(size_t bytes) __attribute__((returns_nonnull));
void fed_isolate_free(void *memory, size_t bytes);

/** Run `work` in a child process; what it writes to memory of fed_isolate_alloc stays, all
 * else is lost. It may take `memory_bytes` more memory than the process has now, and some
 * seconds of processor time.
 * @return what `work` returned, its message too; FED_INPUT naming `what` if the child crashed,
 *         FED_STOPPED if a signal that asks for a stop ended it: the run then stops */
fed_status_t fed_isolate(fed_status_t (*work)(void *context), void *context, size_t memory_bytes,
                         const char *what);

#endif
