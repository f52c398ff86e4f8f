/* Every MPI call stands in this. */
#ifndef FEDMPI_COMM_CHECK_H
#define FEDMPI_COMM_CHECK_H

#include <mpi.h>

#define MPI_TRY(call) fed_mpi_check((call), #call, __FILE__, __LINE__)
void fed_mpi_check(int code, const char *call, const char *file, int line);

#endif
