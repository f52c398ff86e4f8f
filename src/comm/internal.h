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
    int cores;    /* of this node that its ranks may use */
    bool crowded; /* they are fewer than the ranks */
    bool works;   /* this rank trains */
    int *workers; /* [worker_count] the ranks that train, ascending */
    int worker_count;
    int *leaders;      /* [size] the first rank of each rank's node */
    int64_t *received; /* server: the buffer of fed_comm_gather_sums, kept; NULL before */
    size_t received_count;
    char library[MPI_MAX_LIBRARY_VERSION_STRING];
};

/* Every MPI call stands in this. */
#define MPI_TRY(call) fed_mpi_check((call), #call, __FILE__, __LINE__)
void fed_mpi_check(int code, const char *call, const char *file, int line);

/* Cores that the ranks of a node may use together. Collective over the node. */
int fed_mpi_cores(MPI_Comm node);

/* Fill in workers. Collective. */
void fed_mpi_find_workers(fed_comm_t *comm);

/* Naps as short as wait.c takes them, and not 50 us longer as by default. */
void fed_mpi_allow_short_naps(void);

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
