/* Sums, rows and broadcasts against what one rank computes alone. */
#include "ranks.h"

#include "fedmpi/comm/nodes.h"
#include "fedmpi/comm/workers.h"

#include "comm/handle.h" /* piece_bytes */

/* What rank r contributes at position i: all 64 bits in use, so that sums wrap. */
static int64_t term(int r, size_t i) {
    uint64_t z = (uint64_t)(r + 1) * 0x9e3779b97f4a7c15U + i * 0xbf58476d1ce4e5b9U;
    return (int64_t)((z ^ (z >> 29)) * 0x94d049bb133111ebU);
}

static int64_t serial_sum(size_t i) {
    uint64_t sum = 0;
    for (int r = 0; r < ranks; r++)
        sum += (uint64_t)term(r, i);
    return (int64_t)sum;
}

typedef void sum_t(int64_t *sums, size_t count);

static void gather(int64_t *sums, size_t count) {
    fed_comm_gather_sums(comm, sums, count);
}

static void reduce(int64_t *sums, size_t count) {
    fed_comm_reduce_sums(comm, sums, count);
}

/* On the server the sum, elsewhere unchanged. */
static bool sums_are_right(sum_t *sum, size_t count) {
    FED_AUTOFREE int64_t *sums = FED_NEW_ARRAY(int64_t, count);
    for (size_t i = 0; i < count; i++)
        sums[i] = term(rank, i);
    sum(sums, count);
    for (size_t i = 0; i < count; i++)
        if (sums[i] != (rank == 0 ? serial_sum(i) : term(rank, i)))
            return false;
    return true;
}

static void check_sums(sum_t *sum, const size_t *counts, size_t count_count) {
    for (size_t c = 0; c < count_count; c++)
        assert_everywhere(sums_are_right(sum, counts[c]));
}

static void gathered_sums_are_serial_sums(void **state) {
    (void)state;
    size_t piece = FED_GATHER_BUFFER_BYTES / sizeof(int64_t) / (size_t)ranks;
    const size_t counts[] = {0,    1,         2,     7,         1000,      1023,
                             1025, piece - 1, piece, piece + 1, 2 * piece, 2 * piece + 17};
    check_sums(gather, counts, sizeof counts / sizeof *counts);
}

static void reduced_sums_are_serial_sums(void **state) {
    (void)state;
    const size_t piece = ((size_t)64 << 20) / sizeof(int64_t);
    const size_t counts[] = {0, 1, 2, 7, 1000, 65537, piece + 5};
    check_sums(reduce, counts, sizeof counts / sizeof *counts);
}

static unsigned char byte_of(size_t r, size_t i) {
    return (unsigned char)((r + 1) * 31 + i * 7 + (i >> 8) + (i >> 16));
}

/* Rows of every rank, of which rank r has counts[r]. */
static bool rows_arrive(const size_t *counts, size_t row_bytes) {
    size_t own = counts[rank] * row_bytes, total = 0;
    for (int r = 0; r < ranks; r++)
        total += counts[r];
    FED_AUTOFREE unsigned char *rows = FED_NEW_ARRAY(unsigned char, own);
    FED_AUTOFREE unsigned char *all = FED_NEW_ARRAY(unsigned char, rank ? 0 : total *row_bytes);
    for (size_t i = 0; i < own; i++)
        rows[i] = byte_of((size_t)rank, i);
    fed_comm_gather_rows(comm, rows, counts, row_bytes, all);
    bool well = true;
    for (size_t r = 0, at = 0; rank == 0 && r < (size_t)ranks; r++)
        for (size_t i = 0; i < counts[r] * row_bytes; i++)
            well &= all[at++] == byte_of(r, i);
    return well;
}

static void check_rows(void) {
    static const size_t row_bytes[] = {1, 4, 24, 4100};
    for (size_t b = 0; b < 4; b++)
        for (size_t pattern = 0; pattern < 4; pattern++) {
            FED_AUTOFREE size_t *counts = FED_NEW_ARRAY(size_t, (size_t)ranks);
            for (int r = 0; r < ranks; r++) /* none, some, none from the server, many */
                counts[r] = pattern * (size_t)r + (pattern == 3 ? 40 : 0);
            assert_everywhere(rows_arrive(counts, row_bytes[b]));
        }
}

static void rows_arrive_in_the_order_of_ranks(void **state) {
    (void)state;
    check_rows();
    FED_AUTOFREE size_t *counts = FED_NEW_ARRAY(size_t, (size_t)ranks);
    counts[ranks - 1] = 3; /* in two pieces, cut within a row */
    assert_everywhere(rows_arrive(counts, comm->piece_bytes / 3 + 5));
}

typedef void broadcast_t(const fed_comm_t *among, void *data, size_t bytes);

static bool arrives(broadcast_t *broadcast, size_t bytes) {
    FED_AUTOFREE unsigned char *data = FED_NEW_ARRAY(unsigned char, bytes);
    for (size_t i = 0; rank == 0 && i < bytes; i++)
        data[i] = (unsigned char)(i * 7 + (i >> 16));
    broadcast(comm, data, bytes);
    for (size_t i = 0; i < bytes; i++)
        if (data[i] != (unsigned char)(i * 7 + (i >> 16)))
            return false;
    return true;
}

static void broadcasts_arrive(void **state) {
    (void)state;
    const size_t sizes[] = {0, 1, 3, 70001, ((size_t)64 << 20) + 3}; /* the last in two pieces */
    for (size_t s = 0; s < 5; s++)
        assert_everywhere(arrives(fed_comm_broadcast, sizes[s]));
    for (size_t s = 0; s < 4; s++)
        assert_everywhere(arrives(fed_comm_broadcast_node, sizes[s]));
}

static void the_largest_of_all_reach_all(void **state) {
    (void)state;
    for (size_t count = 0; count < 100; count += 33) {
        FED_AUTOFREE size_t *values = FED_NEW_ARRAY(size_t, count);
        for (size_t i = 0; i < count; i++)
            values[i] = i % (size_t)ranks == (size_t)rank ? SIZE_MAX - i : i;
        fed_comm_largest(comm, values, count);
        bool well = true;
        for (size_t i = 0; i < count; i++)
            well &= values[i] == SIZE_MAX - i;
        assert_everywhere(well);
    }
}

/* What is longer than a piece, without the memory that usual pieces take. */
static void small_pieces_change_nothing(void **state) {
    (void)state;
    static const size_t pieces[] = {8, 24, 4096};
    size_t usual = comm->piece_bytes;
    for (size_t p = 0; p < 3; p++) {
        comm->piece_bytes = pieces[p];
        check_rows();
        for (size_t count = 0; count < 600; count += 1 + count / 2)
            assert_everywhere(sums_are_right(reduce, count));
        for (size_t bytes = 0; bytes < 5000; bytes += 1 + bytes / 2) {
            assert_everywhere(arrives(fed_comm_broadcast, bytes));
            assert_everywhere(arrives(fed_comm_broadcast_node, bytes));
        }
        the_largest_of_all_reach_all(state);
    }
    comm->piece_bytes = usual;
}

/* As many as there are cores; the server only if alone. */
static void workers_are_the_first_ranks_but_the_server(void **state) {
    (void)state;
    int workers = fed_comm_workers(comm), first = ranks > 1;
    assert_everywhere(workers >= 1 && workers <= (ranks > 1 ? ranks - 1 : 1));
    for (int worker = 0; worker < workers; worker++)
        assert_everywhere(fed_comm_worker(comm, worker) == first + worker);
    assert_everywhere(fed_comm_works(comm) == (rank >= first && rank < first + workers));
    for (int other = 0; other < ranks; other++)
        assert_everywhere(fed_comm_is_near(comm, other)); /* the tests' one node */
}

static void ranks_know_who_they_are(void **state) {
    (void)state;
    int world_rank, world_size;
    MPI_Comm_rank(MPI_COMM_WORLD, &world_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world_size);
    assert_everywhere(rank == world_rank && ranks == world_size);
    assert_everywhere(fed_comm_is_server(comm) == (rank == 0));
    assert_everywhere(fed_comm_leads_node(comm) == (rank == 0)); /* the tests' one node */
    assert_everywhere(strlen(fed_comm_library(comm)) > 3 &&
                      !strpbrk(fed_comm_library(comm), "\n,"));
    char name[MPI_MAX_PROCESSOR_NAME];
    int length;
    MPI_Get_processor_name(name, &length);
    FED_AUTOFREE char *hosts = fed_comm_hosts(comm);
    assert_everywhere(rank == 0 ? hosts && strcmp(hosts, name) == 0 : !hosts);
}

int main(int argc, char **argv) {
    ranks_init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        MPI_TEST(gathered_sums_are_serial_sums),
        MPI_TEST(reduced_sums_are_serial_sums),
        MPI_TEST(rows_arrive_in_the_order_of_ranks),
        MPI_TEST(broadcasts_arrive),
        MPI_TEST(the_largest_of_all_reach_all),
        MPI_TEST(small_pieces_change_nothing),
        MPI_TEST(workers_are_the_first_ranks_but_the_server),
        MPI_TEST(ranks_know_who_they_are),
    };
    return ranks_fini(cmocka_run_group_tests(tests, NULL, NULL));
}
