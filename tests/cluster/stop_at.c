/* Preloaded into the ranks of a run: one of them stops itself at a moment of its own work, for
 * whoever waits for that.
 *
 * STOP_RANK  which
 * STOP_AT    broadcast, agree, gather or rename
 * STOP_AFTER how many of these it does before
 */
#include <dlfcn.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void pass(const char *moment) {
    static long passed;
    const char *at = getenv("STOP_AT"), *after = getenv("STOP_AFTER"), *who = getenv("STOP_RANK");
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (!at || !after || !who || !rank || strcmp(at, moment) != 0 || strcmp(who, rank) != 0)
        return;
    if (passed++ == strtol(after, NULL, 10))
        raise(SIGSTOP);
}

int MPI_Ibcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm,
               MPI_Request *request) {
    pass("broadcast");
    return PMPI_Ibcast(data, count, type, root, comm, request);
}

int MPI_Iallreduce(const void *mine, void *all, int count, MPI_Datatype type, MPI_Op operation,
                   MPI_Comm comm, MPI_Request *request) {
    pass("agree");
    return PMPI_Iallreduce(mine, all, count, type, operation, comm, request);
}

int MPI_Igather(const void *mine, int count, MPI_Datatype type, void *all, int counts,
                MPI_Datatype types, int root, MPI_Comm comm, MPI_Request *request) {
    pass("gather");
    return PMPI_Igather(mine, count, type, all, counts, types, root, comm, request);
}

int MPI_Ireduce(const void *mine, void *sum, int count, MPI_Datatype type, MPI_Op operation,
                int root, MPI_Comm comm, MPI_Request *request) {
    pass("gather");
    return PMPI_Ireduce(mine, sum, count, type, operation, root, comm, request);
}

// The C library's names of parameters are reserved.
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
int rename(const char *from, const char *to) {
    int (*next)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    pass("rename");
    return next(from, to);
}
