#include "check.h"

#include "fedmpi/core/error.h"

void fed_mpi_check(int code, const char *call, const char *file, int line) {
    if (code == MPI_SUCCESS)
        return;
    char reason[MPI_MAX_ERROR_STRING] = "unknown error";
    int length;
    MPI_Error_string(code, reason, &length);
    fed_die_at(file, line, "%.60s: %s", call, reason);
}
