/** What the ranks' machines say of themselves, and whether they say the same. */
#ifndef FEDMPI_COMM_NODES_H
#define FEDMPI_COMM_NODES_H

#include "fedmpi/comm/comm.h"

/** Bytes of a text here, with its end; what is longer is cut. */
#define FED_COMM_TEXT_BYTES 256

/** "node1 node2": each host once, in the order of ranks. Collective; the server
 * gets the text and frees it, others get NULL. */
char *fed_comm_hosts(const fed_comm_t *comm);

/** The same for any text of each rank.
 * @param between  what stands between two texts */
char *fed_comm_distinct(const fed_comm_t *comm, const char *mine, const char *between);

/** Nodes that the ranks are on. Local. */
int fed_comm_nodes(const fed_comm_t *comm);

/** What failed on another rank than the server's failed there: says so behind the message.
 * Local. @return the status */
fed_status_t fed_comm_blame_host(const fed_comm_t *comm, fed_status_t status);

/** Is this text the same on every rank that has one? Collective; the same status on all.
 *
 * For what must not differ between nodes: the digest of a file, the shape of a data set. Does
 * not depend on how long the texts are, so it stands before everything that does.
 *
 * @param what  what the texts are of, plural, the same on every rank
 * @param mine  NULL: this rank has none; rank 0 always has
 * @return FED_INPUT, "WHAT differ between nodes: TEXT on HOST (rank R), TEXT on HOST (rank 0)",
 *         with how many more differ */
fed_status_t fed_comm_agree_text(const fed_comm_t *comm, const char *what, const char *mine);

#endif
