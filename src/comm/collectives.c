/* Broadcasts, sums and rows, each in pieces that MPI's int counts can hold. */
#include "fedmpi/comm/collectives.h"

#include "handle.h"
#include "wait.h"

#include "fedmpi/core/memory.h"

#include <string.h>

#define ROWS_TAG 1
#define SMALLEST_GATHER_PIECE 1024 /* integers; below that latency rules */

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static void broadcast(const fed_comm_t *comm, MPI_Comm among, int ranks, void *data, size_t bytes) {
    for (size_t done = 0; ranks > 1 && done < bytes; done += comm->piece_bytes) {
        MPI_Request request;
        MPI_TRY(MPI_Ibcast((char *)data + done, (int)smaller(comm->piece_bytes, bytes - done),
                           MPI_BYTE, 0, among, &request));
        fed_mpi_wait(comm, &request);
    }
}

void fed_comm_broadcast(const fed_comm_t *comm, void *data, size_t bytes) {
    broadcast(comm, comm->world, comm->size, data, bytes);
}

void fed_comm_broadcast_node(const fed_comm_t *comm, void *data, size_t bytes) {
    broadcast(comm, comm->node, comm->node_size, data, bytes);
}

/* sum += term, wrapping. */
static void add(int64_t *sum, const int64_t *term, size_t count) {
    uint64_t *s = (uint64_t *)sum;
    const uint64_t *t = (const uint64_t *)term;
    for (size_t i = 0; i < count; i++)
        s[i] += t[i];
}

/* Kept from call to call: fresh memory costs more than what is received into it. */
static int64_t *receive_buffer(fed_comm_t *comm, size_t count) {
    if (count > comm->received_count) {
        fed_free(comm->received);
        comm->received = FED_NEW_ARRAY(int64_t, count);
        comm->received_count = count;
    }
    return comm->received;
}

void fed_comm_gather_sums(fed_comm_t *comm, int64_t *sums, size_t count) {
    size_t ranks = (size_t)comm->size;
    if (ranks == 1)
        return;
    size_t piece = FED_GATHER_BUFFER_BYTES / sizeof *sums / ranks;
    if (piece < SMALLEST_GATHER_PIECE)
        piece = SMALLEST_GATHER_PIECE;
    piece = smaller(piece, count);
    int64_t *received = fed_comm_is_server(comm) ? receive_buffer(comm, piece * ranks) : NULL;
    for (size_t done = 0; done < count; done += piece) {
        size_t now = smaller(piece, count - done);
        MPI_Request request;
        /* The server's own part is where it belongs. */
        MPI_TRY(MPI_Igather(received ? MPI_IN_PLACE : sums + done, (int)now, MPI_INT64_T, received,
                            (int)now, MPI_INT64_T, 0, comm->world, &request));
        fed_mpi_wait(comm, &request);
        for (size_t rank = 1; received && rank < ranks; rank++)
            add(sums + done, received + rank * now, now);
    }
}

void fed_comm_reduce_sums(const fed_comm_t *comm, int64_t *sums, size_t count) {
    if (comm->size == 1)
        return;
    size_t piece = comm->piece_bytes / sizeof *sums;
    for (size_t done = 0; done < count; done += piece) {
        int now = (int)smaller(piece, count - done);
        bool is_server = fed_comm_is_server(comm);
        MPI_Request request;
        MPI_TRY(MPI_Ireduce(is_server ? MPI_IN_PLACE : sums + done, is_server ? sums + done : NULL,
                            now, MPI_UINT64_T, MPI_SUM, 0, comm->world, &request));
        fed_mpi_wait(comm, &request);
    }
}

void fed_comm_largest(const fed_comm_t *comm, size_t *values, size_t count) {
    const size_t piece = comm->piece_bytes / sizeof *values;
    for (size_t done = 0; comm->size > 1 && done < count; done += piece) {
        MPI_Request request;
        MPI_TRY(MPI_Iallreduce(MPI_IN_PLACE, values + done, (int)smaller(piece, count - done),
                               MPI_UINT64_T, MPI_MAX, comm->world, &request));
        fed_mpi_wait(comm, &request);
    }
}

static size_t pieces_of(const fed_comm_t *comm, size_t bytes) {
    return (bytes + comm->piece_bytes - 1) / comm->piece_bytes;
}

/* Begin to move the rows of one rank, in pieces whose bytes an int can count. Both ends cut
 * alike. @return behind the requests, one a piece */
static MPI_Request *move_rows(const fed_comm_t *comm, void *rows, size_t bytes, int from,
                              MPI_Request *request) {
    for (size_t done = 0; done < bytes; done += comm->piece_bytes, request++) {
        int now = (int)smaller(comm->piece_bytes, bytes - done);
        char *piece = (char *)rows + done;
        if (from == comm->rank)
            MPI_TRY(MPI_Isend(piece, now, MPI_BYTE, 0, ROWS_TAG, comm->world, request));
        else
            MPI_TRY(MPI_Irecv(piece, now, MPI_BYTE, from, ROWS_TAG, comm->world, request));
    }
    return request;
}

static void wait_for_rows(const fed_comm_t *comm, MPI_Request *first, const MPI_Request *end) {
    for (MPI_Request *request = first; request < end; request++)
        fed_mpi_wait(comm, request);
}

static void send_rows(const fed_comm_t *comm, const void *rows, size_t bytes) {
    FED_AUTOFREE MPI_Request *requests = FED_NEW_ARRAY(MPI_Request, pieces_of(comm, bytes));
    wait_for_rows(comm, requests, move_rows(comm, (void *)rows, bytes, comm->rank, requests));
}

/* From all ranks at once: none waits for another's to be asked for. */
static void receive_rows(const fed_comm_t *comm, const size_t *counts, size_t row_bytes, char *at) {
    size_t pieces = 0;
    for (int rank = 1; rank < comm->size; rank++)
        pieces += pieces_of(comm, counts[rank] * row_bytes);
    FED_AUTOFREE MPI_Request *requests = FED_NEW_ARRAY(MPI_Request, pieces);
    MPI_Request *end = requests;
    for (int rank = 1; rank < comm->size; rank++) {
        end = move_rows(comm, at, counts[rank] * row_bytes, rank, end);
        at += counts[rank] * row_bytes;
    }
    wait_for_rows(comm, requests, end);
}

void fed_comm_gather_rows(const fed_comm_t *comm, const void *rows, const size_t *counts,
                          size_t row_bytes, void *all) {
    size_t own_bytes = counts[comm->rank] * row_bytes;
    if (!fed_comm_is_server(comm)) {
        send_rows(comm, rows, own_bytes);
        return;
    }
    if (own_bytes > 0)
        memcpy(all, rows, own_bytes);
    receive_rows(comm, counts, row_bytes, (char *)all + own_bytes);
}
