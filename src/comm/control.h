/* Control messages: empty ones, whose tag says it all.
 *
 * A rank that is asked to stop tells all others; one that waits for too long asks who is still
 * there, the server all others and the others the server. Everybody listens while it waits, and
 * every few mini-batches.
 */
#ifndef FEDMPI_COMM_CONTROL_H
#define FEDMPI_COMM_CONTROL_H

#include "fedmpi/comm/nodes.h"
#include "fedmpi/core/text.h"

#include <mpi.h>
#include <stdint.h>

/* What a rank says when it is asked. */
typedef enum fed_answer { FED_ANSWER_NONE, FED_ANSWER_WORKING, FED_ANSWER_WAITING } fed_answer_t;

typedef struct fed_control {
    MPI_Comm messages;     /* all ranks; empty messages only */
    fed_answer_t *answers; /* [size] of each rank the last one */
    double *heard_at;      /* [size] when it came, on fed_clock_seconds; 0: there was none */
    char (*hosts)[FED_COMM_TEXT_BYTES]; /* of the ranks that this one asks: server [size], else
                                           [1], the server's */
    bool waits;                         /* this rank, for others */
    bool told_stop;
    int64_t stops_heard, questions, questions_heard, answers_heard;
} fed_control_t;

/* Start and end of control messages. Collective. */
void fed_control_begin(fed_comm_t *comm);
void fed_control_end(fed_comm_t *comm);

/* Hear what there is, as a rank that waits; to be called again and again. The same comm, or
 * NULL where messages have ended, or have not begun. */
fed_comm_t *fed_control_while_waiting(const fed_comm_t *comm);

/* Ask who is still there: the answers come while this rank waits. */
void fed_control_ask(fed_comm_t *comm);

/* Of the ranks that this one asks, those whose last answer since then is this one:
 * "rank 3, rank 7 (node2) and 2 more", with the nodes that are not this rank's.
 * @param since  on fed_clock_seconds; @return false if there are none */
bool fed_control_name_ranks(const fed_comm_t *comm, fed_answer_t answer, double since,
                            fed_text_t *names);

#endif
