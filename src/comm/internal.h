/* What the files of comm share. */
#ifndef FEDMPI_COMM_INTERNAL_H
#define FEDMPI_COMM_INTERNAL_H

#include "fedmpi/comm/comm.h"

#include <mpi.h>

/* What control.c knows. */
typedef struct fed_control {
    const char *operation; /* what the next waits are for */
    int64_t round;
    double expected_seconds; /* negative: unknown */
    double warn_after_seconds;
    bool asked;   /* who is there; the answers are on their way */
    int *answers; /* [size]: tags; 0: none */
    bool waits;   /* this rank, for others */
    bool told_stop;
    int64_t stops_heard, questions, questions_heard, answers_heard;
} fed_control_t;

struct fed_comm {
    MPI_Comm world;   /* a duplicate of MPI_COMM_WORLD that returns errors */
    MPI_Comm node;    /* the ranks that share memory with this one */
    MPI_Comm control; /* all ranks; empty messages only */
    fed_control_t state;
    int rank, size, node_rank;
    bool crowded;      /* fewer cores on this node than ranks */
    int64_t *received; /* server: the buffer of fed_comm_gather_sums, kept; NULL before */
    size_t received_count;
    char library[MPI_MAX_LIBRARY_VERSION_STRING];
};

/* Every MPI call stands in this. */
#define MPI_TRY(call) fed_mpi_check((call), #call, __FILE__, __LINE__)
void fed_mpi_check(int code, const char *call, const char *file, int line);

/* Has a node that runs so many ranks fewer cores? */
bool fed_mpi_is_crowded(int ranks_of_node);

/* Until the request of a collective that moves data is complete. */
void fed_mpi_wait(const fed_comm_t *comm, MPI_Request *request);

/* The same for ranks that others may keep waiting for long: works on what `idle` offers (NULL:
 * nothing), else naps longer. */
void fed_mpi_wait_idle(const fed_comm_t *comm, MPI_Request *request, fed_idle_t idle,
                       void *context);

/* Start and end of control messages. Collective. */
void fed_control_begin(fed_comm_t *comm);
void fed_control_end(fed_comm_t *comm);

/* To be called again and again while this rank waits: hears of stops, answers, and on the
 * server warns when the wait is much longer than expected. */
void fed_control_while_waiting(const fed_comm_t *comm, double waited_seconds);

#endif
