/** Locks: no two runs write the same file, on one machine or on several.
 *
 * Beside PATH lies PATH.lock while a process has it. The kernel's lock on that file counts: it ends
 * with its process, however that ends, and holds on NFS. What the file says, which process on
 * which host since when, is for the message, and where a file system has no locks it counts
 * instead: then one of a process that is no more, or of before the machine started, is void.
 */
#ifndef FEDMPI_CORE_LOCK_H
#define FEDMPI_CORE_LOCK_H

#include "fedmpi/core/error.h"

#include <stdbool.h>
#include <stddef.h>

/** {0}: nothing is held. */
typedef struct fed_lock {
    char *path; /**< of the file that says so; NULL: nothing is held */
    int descriptor;
    size_t existing; /**< length of the folders on its path that were there before */
} fed_lock_t;

/** Take the lock of a file, which need not be there; its missing folders are made. Does not wait.
 * @return FED_INPUT if another process has it, or the place cannot be written to; FED_STOPPED if
 *         that process is of an earlier start of this Slurm job, which will end as its other ranks
 *         do not answer: it makes sense to come back. The message does not name the file: its
 *         caller does */
fed_status_t fed_lock_take(fed_lock_t *lock, const char *path);

/** Give it back, with folders that were made and are empty. */
void fed_lock_release(fed_lock_t *lock);

#endif
