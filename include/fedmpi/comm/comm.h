/** Communication: what goes over MPI, and nothing else does.
 *
 * Rank 0 is the server. Parameters travel from it by MPI_Bcast and sums of
 * updates to it by MPI_Gather or MPI_Reduce, in pieces: no count overflows an
 * int, and the server's buffer does not grow with the number of ranks. Calls
 * marked collective must be made by every rank in the same order. An MPI error
 * ends the run with rank, file and line.
 */
#ifndef FEDMPI_COMM_COMM_H
#define FEDMPI_COMM_COMM_H

#include "fedmpi/core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fed_comm fed_comm_t;

/** Start MPI. Collective. A waiting rank yields its core: set before MPI reads it. */
fed_comm_t *fed_comm_create(int *argc, char ***argv);

/** End MPI and free. Collective. */
void fed_comm_destroy(fed_comm_t *comm);

int fed_comm_rank(const fed_comm_t *comm);
int fed_comm_size(const fed_comm_t *comm);
bool fed_comm_is_server(const fed_comm_t *comm);

/** The ranks that train: the server where it is alone, else of each node's other ranks as many
 * as it has cores for, by their affinity or by the environment variable FEDMPI_CORES. The
 * same on every rank, at least one. */
int fed_comm_workers(const fed_comm_t *comm);
/** Rank of a worker; ascending. */
int fed_comm_worker(const fed_comm_t *comm, int worker);
/** Is this rank a worker? */
bool fed_comm_works(const fed_comm_t *comm);

/** Is that rank on this rank's node? */
bool fed_comm_is_near(const fed_comm_t *comm, int rank);

/** First rank of its node: the one that fills shared memory. */
bool fed_comm_leads_node(const fed_comm_t *comm);

/** Name and version of the MPI library, on one line; borrowed. */
const char *fed_comm_library(const fed_comm_t *comm);

/** "node1 node2": each host once, in the order of ranks. Collective; the server
 * gets the text and frees it, others get NULL. */
char *fed_comm_hosts(const fed_comm_t *comm);

/** Bytes from the server to everybody. Collective.
 * @param data  [in] on the server, [out] elsewhere, [bytes] */
void fed_comm_broadcast(const fed_comm_t *comm, void *data, size_t bytes);

/** The same among the ranks of a node, from its leader. Collective over the node. */
void fed_comm_broadcast_node(const fed_comm_t *comm, void *data, size_t bytes);

/** Bytes a rank may use as the server's receive buffer in fed_comm_gather_sums. */
#define FED_GATHER_BUFFER_BYTES ((size_t)8 << 20)

/** Add up integers over ranks on the server by MPI_Gather, in pieces. Collective.
 * Sums wrap modulo 2^64, so they do not depend on the order.
 * @param sums  [in,out] [count]; elsewhere than on the server unchanged */
void fed_comm_gather_sums(fed_comm_t *comm, int64_t *sums, size_t count);

/** The same by MPI_Reduce. Collective. */
void fed_comm_reduce_sums(const fed_comm_t *comm, int64_t *sums, size_t count);

/** The largest of all ranks' values, entry by entry, on every rank. Collective.
 * @param values  [in,out] [count] */
void fed_comm_largest(const fed_comm_t *comm, size_t *values, size_t count);

/** Rows of every rank to the server, in the order of ranks. Collective.
 * @param rows    [in]  this rank's rows, [counts[rank]][row_bytes]
 * @param counts  [in]  rows of each rank, [size]; the same on every rank
 * @param all     [out] server: [sum of counts][row_bytes]; elsewhere ignored */
void fed_comm_gather_rows(const fed_comm_t *comm, const void *rows, const size_t *counts,
                          size_t row_bytes, void *all);

/** What the collectives from here on are for, and about how long they should make the server
 * wait (negative: unknown). When one takes much longer the server warns, naming the
 * operation, the round, and which ranks do not answer or are still at work. Local.
 * @param operation  static text; @param round  0: none */
void fed_comm_expect(fed_comm_t *comm, const char *operation, int64_t round, double seconds);

/** Something useful to do while waiting: one short piece of it.
 * @return false when there is nothing left to do */
typedef bool (*fed_idle_t)(void *context);

/** Agree on the worst status of all ranks; its message becomes everybody's. Collective.
 * Waits for the slowest rank without taking its core: runs `idle`, then sleeps.
 * @param idle  or NULL; @param context  handed to it */
fed_status_t fed_comm_agree(const fed_comm_t *comm, fed_status_t mine, fed_idle_t idle,
                            void *context);

/** Memory that the ranks of a node share (an MPI-3 window), zeroed. */
typedef struct fed_shared fed_shared_t;

/** Collective over the node; every rank passes the same size. */
fed_shared_t *fed_shared_create(const fed_comm_t *comm, size_t bytes);

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
