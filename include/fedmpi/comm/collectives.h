/** Broadcasts, sums and rows over all ranks.
 *
 * Parameters travel from the server by MPI_Bcast and sums of updates to it by MPI_Gather or
 * MPI_Reduce, in pieces: no count overflows an int, and the server's buffer does not grow with
 * the number of ranks.
 */
#ifndef FEDMPI_COMM_COLLECTIVES_H
#define FEDMPI_COMM_COLLECTIVES_H

#include "fedmpi/comm/comm.h"

#include <stddef.h>
#include <stdint.h>

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

#endif
