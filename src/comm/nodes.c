#include "fedmpi/comm/nodes.h"

#include "handle.h"
#include "wait.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"

#include <stdio.h>
#include <string.h>

typedef struct text {
    char chars[FED_COMM_TEXT_BYTES];
} text_t;

_Static_assert(MPI_MAX_PROCESSOR_NAME <= FED_COMM_TEXT_BYTES, "a host's name is a text");

char *fed_comm_distinct(const fed_comm_t *comm, const char *mine, const char *between) {
    text_t own = {""};
    snprintf(own.chars, sizeof own.chars, "%s", mine);
    FED_AUTOFREE text_t *texts = comm->rank == 0 ? FED_NEW_ARRAY(text_t, (size_t)comm->size) : NULL;
    if (comm->size == 1)
        return fed_strdup(own.chars);
    MPI_Request request;
    MPI_TRY(MPI_Igather(&own, sizeof own, MPI_CHAR, texts, sizeof own, MPI_CHAR, 0, comm->world,
                        &request));
    fed_mpi_wait(comm, &request);
    fed_text_t all = {0};
    for (int rank = 0; texts && rank < comm->size; rank++) {
        int earlier = rank - 1; /* ranks of a host usually stand together */
        while (earlier >= 0 && strcmp(texts[earlier].chars, texts[rank].chars) != 0)
            earlier--;
        if (earlier < 0)
            fed_text_append(&all, "%s%s", rank ? between : "", texts[rank].chars);
    }
    return all.chars;
}

char *fed_comm_hosts(const fed_comm_t *comm) {
    return fed_comm_distinct(comm, comm->host, " ");
}

int fed_comm_nodes(const fed_comm_t *comm) {
    int nodes = 0;
    for (int rank = 0; rank < comm->size; rank++)
        nodes += comm->leaders[rank] == rank;
    return nodes;
}

fed_status_t fed_comm_blame_host(const fed_comm_t *comm, fed_status_t status) {
    if (status == FED_OK || comm->rank == 0)
        return status;
    return fed_fail(status, "%s (on %s, rank %d)", fed_error_message(), comm->host, comm->rank);
}

fed_status_t fed_comm_agree_text(const fed_comm_t *comm, const char *what, const char *mine) {
    struct {
        text_t text, host;
    } first = {.text = {""}};
    if (comm->size == 1)
        return FED_OK;
    if (comm->rank == 0) {
        snprintf(first.text.chars, sizeof first.text.chars, "%s", mine);
        snprintf(first.host.chars, sizeof first.host.chars, "%s", comm->host);
    }
    MPI_Request request;
    MPI_TRY(MPI_Ibcast(&first, sizeof first, MPI_BYTE, 0, comm->world, &request));
    fed_mpi_wait(comm, &request);
    text_t own = first.text;
    if (mine)
        snprintf(own.chars, sizeof own.chars, "%s", mine);
    int differs = strcmp(own.chars, first.text.chars) != 0, differing;
    MPI_TRY(MPI_Iallreduce(&differs, &differing, 1, MPI_INT, MPI_SUM, comm->world, &request));
    fed_mpi_wait(comm, &request);
    if (differing == 0)
        return FED_OK;
    fed_text_t message = {0};
    fed_text_append(&message, "%s differ between nodes: %s on %s (rank %d)", what, own.chars,
                    comm->host, comm->rank);
    if (differing > 1)
        fed_text_append(&message, " and another on %d more", differing - 1);
    fed_text_append(&message, ", %s on %s (rank 0)", first.text.chars, first.host.chars);
    fed_status_t status = differs ? fed_fail(FED_INPUT, "%s", message.chars) : FED_OK;
    fed_text_fini(&message);
    return fed_comm_agree(comm, status, NULL, NULL);
}
