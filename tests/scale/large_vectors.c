/* Vectors of more than 2^31 bytes through every collective: mpirun -np 2 large_vectors
 *
 * Needs 2.2 GB a rank. Prints what it checked; exit code 1 if a value is wrong.
 */
#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/comm.h"
#include "fedmpi/core/memory.h"

#include <stdio.h>

/* A little more than 2^31 bytes, and no multiple of any piece. */
#define BYTES (((size_t)1 << 31) + ((size_t)1 << 24) + 12345)
#define COUNT (BYTES / sizeof(int64_t))

static uint8_t byte_at(size_t i) {
    return (uint8_t)(i ^ i >> 8 ^ i >> 16 ^ i >> 24);
}

static size_t check_broadcast(const fed_comm_t *comm) {
    uint8_t *data = FED_NEW_ARRAY(uint8_t, BYTES);
    for (size_t i = 0; fed_comm_is_server(comm) && i < BYTES; i++)
        data[i] = byte_at(i);
    fed_comm_broadcast(comm, data, BYTES);
    size_t wrong = 0;
    for (size_t i = 0; i < BYTES; i++)
        wrong += data[i] != byte_at(i);
    fed_free(data);
    return wrong;
}

/* Entry i on rank r is (r + 1) i, so that the sum over ranks is known. */
static size_t check_sums(fed_comm_t *comm, void (*sum)(fed_comm_t *, int64_t *, size_t)) {
    int64_t *sums = FED_NEW_ARRAY(int64_t, COUNT);
    int64_t ranks = fed_comm_size(comm), rank = fed_comm_rank(comm);
    for (size_t i = 0; i < COUNT; i++)
        sums[i] = (rank + 1) * (int64_t)i;
    sum(comm, sums, COUNT);
    size_t wrong = 0;
    for (size_t i = 0; fed_comm_is_server(comm) && i < COUNT; i++)
        wrong += sums[i] != ranks * (ranks + 1) / 2 * (int64_t)i;
    fed_free(sums);
    return wrong;
}

static void reduce(fed_comm_t *comm, int64_t *sums, size_t count) {
    fed_comm_reduce_sums(comm, sums, count);
}

int main(int argc, char **argv) {
    fed_comm_t *comm;
    if (fed_comm_create(&argc, &argv, &comm) != FED_OK)
        fed_die("%s", fed_error_message());
    int64_t wrong[] = {
        (int64_t)check_broadcast(comm),
        (int64_t)check_sums(comm, fed_comm_gather_sums),
        (int64_t)check_sums(comm, reduce),
    };
    fed_comm_reduce_sums(comm, wrong, 3);
    int failed = wrong[0] || wrong[1] || wrong[2];
    if (fed_comm_is_server(comm))
        printf("%zu bytes on %d ranks, wrong entries: broadcast %lld, gather %lld, reduce %lld\n",
               BYTES, fed_comm_size(comm), (long long)wrong[0], (long long)wrong[1],
               (long long)wrong[2]);
    fed_comm_destroy(comm);
    return failed;
}
