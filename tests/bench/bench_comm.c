/* What our collectives cost beside the bare MPI calls of the same size.
 *
 *     mpirun -np 6 bench_comm [parameters] [turns]
 *
 * All are measured in turns in one process; figures are the median and the
 * fastest of the server's wall times from a barrier to the call's end. Prints one line
 * of JSON.
 */
#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/comm.h"
#include "fedmpi/core/clock.h"
#include "fedmpi/core/memory.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { OUR_BROADCAST, BARE_BROADCAST, OUR_GATHER, BARE_GATHER, OUR_REDUCE, BARE_REDUCE, KINDS };
static const char *const names[KINDS] = {
    "broadcast", "MPI_Bcast", "gather_sums", "MPI_Gather", "reduce_sums", "MPI_Reduce",
};

typedef struct bench {
    fed_comm_t *comm;
    size_t n;          /* parameters */
    float *w;          /* [n] */
    int64_t *sums;     /* [n] */
    int64_t *received; /* server: [ranks][n] */
} bench_t;

static void call(const bench_t *bench, int kind) {
    MPI_Comm world = MPI_COMM_WORLD;
    int n = (int)bench->n;
    switch (kind) {
    case OUR_BROADCAST:
        fed_comm_broadcast(bench->comm, bench->w, bench->n * sizeof *bench->w);
        break;
    case BARE_BROADCAST:
        MPI_Bcast(bench->w, n, MPI_FLOAT, 0, world);
        break;
    case OUR_GATHER:
        fed_comm_gather_sums(bench->comm, bench->sums, bench->n);
        break;
    case BARE_GATHER:
        MPI_Gather(bench->sums, n, MPI_INT64_T, bench->received, n, MPI_INT64_T, 0, world);
        break;
    case OUR_REDUCE:
        fed_comm_reduce_sums(bench->comm, bench->sums, bench->n);
        break;
    default:
        if (bench->received)
            MPI_Reduce(MPI_IN_PLACE, bench->sums, n, MPI_INT64_T, MPI_SUM, 0, world);
        else
            MPI_Reduce(bench->sums, NULL, n, MPI_INT64_T, MPI_SUM, 0, world);
    }
}

static int ascending(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double measure(const bench_t *bench, int kind) {
    MPI_Barrier(MPI_COMM_WORLD);
    double started = fed_clock_seconds();
    call(bench, kind);
    return fed_clock_seconds() - started;
}

int main(int argc, char **argv) {
    bench_t bench = {0};
    if (fed_comm_create(&argc, &argv, &bench.comm) != FED_OK)
        fed_die("%s", fed_error_message());
    bench.n = argc > 1 ? strtoull(argv[1], NULL, 10) : 199210;
    size_t turns = argc > 2 ? strtoull(argv[2], NULL, 10) : 51;
    size_t ranks = (size_t)fed_comm_size(bench.comm);
    bench.w = FED_NEW_ARRAY(float, bench.n);
    bench.sums = FED_NEW_ARRAY(int64_t, bench.n);
    if (fed_comm_is_server(bench.comm))
        bench.received = FED_NEW_ARRAY(int64_t, ranks * bench.n);
    double *times = FED_NEW_ARRAY(double, KINDS *turns);
    for (size_t turn = 0; turn < turns; turn++)
        for (int kind = 0; kind < KINDS; kind++)
            times[(size_t)kind * turns + turn] = measure(&bench, kind);
    if (fed_comm_is_server(bench.comm)) {
        printf("{\"ranks\": %zu, \"parameters\": %zu", ranks, bench.n);
        for (int kind = 0; kind < KINDS; kind++) {
            qsort(times + (size_t)kind * turns, turns, sizeof *times, ascending);
            const double *sorted = times + (size_t)kind * turns;
            printf(", \"%s\": %.3e, \"%s fastest\": %.3e", names[kind], sorted[turns / 2],
                   names[kind], sorted[0]);
        }
        printf("}\n");
    }
    fed_free(times);
    fed_free(bench.w);
    fed_free(bench.sums);
    fed_free(bench.received);
    fed_comm_destroy(bench.comm);
    return 0;
}
