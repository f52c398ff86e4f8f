/** Communication: what goes over MPI, and nothing else does.
 *
 * Rank 0 is the server. Calls marked collective must be made by every rank in the same
 * order. An MPI error ends the run with rank, file and line. This header says who the ranks
 * are; the others of the room what they do together.
 */
#ifndef FEDMPI_COMM_COMM_H
#define FEDMPI_COMM_COMM_H

#include "fedmpi/core/error.h"

#include <stdbool.h>

typedef struct fed_comm fed_comm_t;

/** Start MPI. Collective. A waiting rank yields its core: set before MPI reads it.
 * @param created  [out] for fed_comm_destroy, whatever the status
 * @return FED_INPUT where FEDMPI_CORES is wrong on some rank, or where the launcher started
 *         several processes of which each is a run of its own */
fed_status_t fed_comm_create(int *argc, char ***argv, fed_comm_t **created);

/** One rank that is server and client, without MPI: its calls have nobody to wait for and
 * return at once. For programs that do not start MPI, such as unit tests of the engine.
 * Local. @return for fed_comm_destroy */
fed_comm_t *fed_comm_alone(void);

/** Free, and end MPI where fed_comm_create has started it. Collective. */
void fed_comm_destroy(fed_comm_t *comm);

int fed_comm_rank(const fed_comm_t *comm);
int fed_comm_size(const fed_comm_t *comm);
bool fed_comm_is_server(const fed_comm_t *comm);

/** First rank of its node: the one that fills shared memory. */
bool fed_comm_leads_node(const fed_comm_t *comm);

/** Name and version of the MPI library, on one line; borrowed. */
const char *fed_comm_library(const fed_comm_t *comm);

#endif
