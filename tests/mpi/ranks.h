/* cmocka under mpirun: every rank runs every test, rank 0 speaks.
 *
 * A test computes on each rank whether all is well, and asserts through
 * assert_everywhere, which is collective: either all ranks fail a test or none, so
 * none waits for another that has jumped out of it.
 */
#ifndef TESTS_MPI_RANKS_H
#define TESTS_MPI_RANKS_H

#include "../unit/support.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/comm.h"

#include <mpi.h>

static fed_comm_t *comm;
static int rank, ranks;

#define assert_everywhere(condition)                                                               \
    check_everywhere((condition) ? 1 : 0, #condition, __FILE__, __LINE__)

static inline void check_everywhere(int well, const char *text, const char *file, int line) {
    int first_ill = well ? ranks : rank, ill;
    MPI_Allreduce(&first_ill, &ill, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (ill == ranks)
        return;
    print_error("rank %d: %s\n", ill, text);
    _fail(file, line);
}

static size_t allocations_of_comm;

static inline int no_rank_has_more(void **state) {
    (void)state;
    int more = fed_memory_live() > allocations_of_comm, any_more;
    MPI_Allreduce(&more, &any_more, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return any_more;
}

#define MPI_TEST(function) cmocka_unit_test_teardown(function, no_rank_has_more)

static inline void ranks_init(int *argc, char ***argv) {
    if (fed_comm_create(argc, argv, &comm) != FED_OK)
        fed_die("%s", fed_error_message());
    rank = fed_comm_rank(comm);
    ranks = fed_comm_size(comm);
    fed_comm_gather_sums(comm, &(int64_t){0}, 1); /* it keeps its buffer */
    allocations_of_comm = fed_memory_live();
    if (rank > 0 && !freopen("/dev/null", "w", stdout))
        fed_die("cannot silence rank %d", rank);
}

static inline int ranks_fini(int failures) {
    fed_comm_destroy(comm);
    return failures != 0;
}

#endif
