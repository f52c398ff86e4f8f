/* What the files of comm share. */
#ifndef FEDMPI_COMM_INTERNAL_H
#define FEDMPI_COMM_INTERNAL_H

#include "fedmpi/comm/comm.h"

#include <mpi.h>

struct fed_comm {
    MPI_Comm world; /* a duplicate of MPI_COMM_WORLD that returns errors */
    MPI_Comm node;  /* the ranks that share memory with this one */
    int rank, size, node_rank;
    char library[MPI_MAX_LIBRARY_VERSION_STRING];
};

/* Every MPI call stands in this. */
#define MPI_TRY(call) fed_mpi_check((call), #call, __FILE__, __LINE__)
void fed_mpi_check(int code, const char *call, const char *file, int line);

#endif
