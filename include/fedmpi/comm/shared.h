/** Memory that the ranks of a node share. */
#ifndef FEDMPI_COMM_SHARED_H
#define FEDMPI_COMM_SHARED_H

#include "fedmpi/comm/comm.h"

#include <stddef.h>
#include <stdint.h>

/** An MPI-3 window, or a mapped file where /dev/shm has no room for one, or ordinary memory of
 * a rank that is alone on its node; zeroed. */
typedef struct fed_shared fed_shared_t;

/** Collective, and so is the status; the ranks of a node pass the same size.
 * @param created  [out] for fed_shared_destroy, whatever the status
 * @return FED_INPUT where a node has no room that all its ranks can map: says what to do */
fed_status_t fed_shared_create(const fed_comm_t *comm, size_t bytes, fed_shared_t **created);

/** Collective over the node. NULL is fine. */
void fed_shared_destroy(fed_shared_t *shared);

/** The bytes; 64-byte aligned. The leader writes, then all call fed_shared_publish. */
void *fed_shared_bytes(const fed_shared_t *shared);

/** Take a turn: how many the ranks of the node have taken before in this round, 0 first. The
 * memory, 8 bytes, serves nothing else. Rounds ascend from 1; who begins one has seen that
 * nothing was left of the last, and who still asks for that gets UINT32_MAX. Local, at any
 * moment. */
uint32_t fed_shared_take_turn(const fed_shared_t *shared, uint32_t round);

/** What the leader wrote becomes visible to the node. Collective over the node. */
void fed_shared_publish(const fed_shared_t *shared);

#endif
