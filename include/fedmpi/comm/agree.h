/** One status for all ranks. */
#ifndef FEDMPI_COMM_AGREE_H
#define FEDMPI_COMM_AGREE_H

#include "fedmpi/comm/comm.h"

#include <stdbool.h>
#include <stddef.h>

/** Something useful to do while waiting: one short piece of it.
 * @return false when there is nothing left to do */
typedef bool (*fed_idle_t)(void *context);

/** Agree on the worst status of all ranks; its message becomes everybody's. Collective.
 * Waits for the slowest rank without taking its core: runs `idle`, then sleeps.
 * @param idle  or NULL; @param context  handed to it */
fed_status_t fed_comm_agree(const fed_comm_t *comm, fed_status_t mine, fed_idle_t idle,
                            void *context);

/** The same, and in the same trip the largest of all ranks' values, entry by entry: where the ranks
 * are far from each other a trip more is what costs. Collective.
 * @param values  [in,out] [count], on every rank; @param count  the same on all */
fed_status_t fed_comm_agree_largest(const fed_comm_t *comm, fed_status_t mine, size_t *values,
                                    size_t count, fed_idle_t idle, void *context);

#endif
