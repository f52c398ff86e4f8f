/* What a fed_comm_t holds; the files of comm share it. */
#ifndef FEDMPI_COMM_HANDLE_H
#define FEDMPI_COMM_HANDLE_H

#include "check.h"
#include "control.h"
#include "silence.h"
#include "watchdog.h"

#include "fedmpi/comm/nodes.h"

#include <mpi.h>
#include <stddef.h>

struct fed_comm {
    MPI_Comm world; /* a duplicate of MPI_COMM_WORLD that returns errors; MPI_COMM_NULL: alone */
    MPI_Comm node;  /* the ranks that share memory with this one */
    fed_control_t control;
    fed_watchdog_t watchdog;
    fed_silence_t silence;
    int rank, size, node_rank, node_size;
    int cores;    /* of this node that its ranks may use */
    bool crowded; /* they are fewer than the ranks */
    bool works;   /* this rank trains */
    int *workers; /* [worker_count] the ranks that train, ascending */
    int worker_count;
    int *leaders;       /* [size] the first rank of each rank's node */
    size_t piece_bytes; /* that travel in one call: no count overflows an int */
    int64_t *received;  /* server: the buffer of fed_comm_gather_sums, kept; NULL before */
    size_t received_count;
    char library[MPI_MAX_LIBRARY_VERSION_STRING];
    char host[FED_COMM_TEXT_BYTES];
};

#endif
