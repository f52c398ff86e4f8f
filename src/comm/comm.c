/* Start and end of MPI, and who we are. */
#include "internal.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"

#include <stdlib.h>
#include <string.h>

void fed_mpi_check(int code, const char *call, const char *file, int line) {
    if (code == MPI_SUCCESS)
        return;
    char reason[MPI_MAX_ERROR_STRING] = "unknown error";
    int length;
    MPI_Error_string(code, reason, &length);
    fed_die_at(file, line, "%.60s: %s", call, reason);
}

static void abort_all_ranks(void) {
    MPI_Abort(MPI_COMM_WORLD, fed_status_exit_code(FED_FAILURE));
}

fed_comm_t *fed_comm_create(int *argc, char ***argv) {
    /* Open MPI spins in a blocking call unless it knows that cores are shared; on
     * a laptop the waiting server would take a core from a client. */
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    /* Its non-blocking reduction on few ranks is a chain of small pieces, each of which
     * would wait for somebody's nap; a tree has a few. */
    setenv("OMPI_MCA_coll_libnbc_ireduce_algorithm", "binomial", 0);
    fed_comm_t *comm = FED_NEW(fed_comm_t);
    MPI_TRY(MPI_Init(argc, argv));
    MPI_TRY(MPI_Comm_dup(MPI_COMM_WORLD, &comm->world));
    MPI_TRY(MPI_Comm_set_errhandler(comm->world, MPI_ERRORS_RETURN));
    MPI_TRY(MPI_Comm_rank(comm->world, &comm->rank));
    MPI_TRY(MPI_Comm_size(comm->world, &comm->size));
    MPI_TRY(MPI_Comm_split_type(comm->world, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL,
                                &comm->node));
    MPI_TRY(MPI_Comm_set_errhandler(comm->node, MPI_ERRORS_RETURN));
    MPI_TRY(MPI_Comm_rank(comm->node, &comm->node_rank));
    int ranks_of_node;
    MPI_TRY(MPI_Comm_size(comm->node, &ranks_of_node));
    comm->cores = fed_mpi_cores(comm->node);
    comm->crowded = ranks_of_node > comm->cores;
    fed_mpi_find_workers(comm);
    fed_mpi_allow_short_naps();
    int length;
    MPI_TRY(MPI_Get_library_version(comm->library, &length));
    comm->library[strcspn(comm->library, ",\n")] = '\0';
    fed_set_abort(abort_all_ranks, comm->rank);
    fed_control_begin(comm);
    return comm;
}

void fed_comm_destroy(fed_comm_t *comm) {
    fed_control_end(comm);
    MPI_TRY(MPI_Comm_free(&comm->node));
    MPI_TRY(MPI_Comm_free(&comm->world));
    fed_free(comm->received);
    fed_free(comm->workers);
    fed_free(comm->leaders);
    fed_free(comm);
    fed_set_abort(NULL, 0);
    MPI_TRY(MPI_Finalize());
}

int fed_comm_rank(const fed_comm_t *comm) {
    return comm->rank;
}

int fed_comm_size(const fed_comm_t *comm) {
    return comm->size;
}

bool fed_comm_is_server(const fed_comm_t *comm) {
    return comm->rank == 0;
}

bool fed_comm_leads_node(const fed_comm_t *comm) {
    return comm->node_rank == 0;
}

const char *fed_comm_library(const fed_comm_t *comm) {
    return comm->library;
}

char *fed_comm_hosts(const fed_comm_t *comm) {
    char name[MPI_MAX_PROCESSOR_NAME] = "";
    int length;
    MPI_TRY(MPI_Get_processor_name(name, &length));
    char *names = NULL;
    if (fed_comm_is_server(comm))
        names = fed_alloc((size_t)comm->size, sizeof name);
    MPI_TRY(MPI_Gather(name, sizeof name, MPI_CHAR, names, sizeof name, MPI_CHAR, 0, comm->world));
    if (!names)
        return NULL;
    fed_text_t hosts = {0};
    for (int rank = 0; rank < comm->size; rank++) {
        const char *host = names + (size_t)rank * sizeof name;
        int earlier = rank - 1; /* ranks of a host usually stand together */
        while (earlier >= 0 && strcmp(names + (size_t)earlier * sizeof name, host) != 0)
            earlier--;
        if (earlier < 0)
            fed_text_append(&hosts, "%s%s", rank ? " " : "", host);
    }
    fed_free(names);
    return hosts.chars;
}
