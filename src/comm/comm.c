/* Start and end of MPI, and who we are. */
#include "fedmpi/comm/comm.h"

#include "handle.h"
#include "launcher.h"
#include "wait.h"
#include "workers.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/core/memory.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)64 << 20)
#define ABORT_SECONDS 10

/* Where the others cannot be reached, the alarm ends this rank at least. */
static void abort_all_ranks(int exit_code) {
    signal(SIGALRM, SIG_DFL);
    alarm(ABORT_SECONDS);
    MPI_Abort(MPI_COMM_WORLD, exit_code);
}

static void start(fed_comm_t *comm, int *argc, char ***argv) {
    fed_launcher_tune();
    MPI_TRY(MPI_Init(argc, argv));
    MPI_TRY(MPI_Comm_dup(MPI_COMM_WORLD, &comm->world));
    MPI_TRY(MPI_Comm_set_errhandler(comm->world, MPI_ERRORS_RETURN));
    MPI_TRY(MPI_Comm_rank(comm->world, &comm->rank));
    MPI_TRY(MPI_Comm_size(comm->world, &comm->size));
    MPI_TRY(MPI_Comm_split_type(comm->world, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL,
                                &comm->node));
    MPI_TRY(MPI_Comm_set_errhandler(comm->node, MPI_ERRORS_RETURN));
    MPI_TRY(MPI_Comm_rank(comm->node, &comm->node_rank));
    MPI_TRY(MPI_Comm_size(comm->node, &comm->node_size));
    int length;
    MPI_TRY(MPI_Get_processor_name(comm->host, &length));
    MPI_TRY(MPI_Get_library_version(comm->library, &length));
    comm->library[strcspn(comm->library, ",\n")] = '\0';
    fed_set_abort(abort_all_ranks, comm->rank);
}

static void end(fed_comm_t *comm) {
    fed_control_end(comm);
    MPI_TRY(MPI_Comm_free(&comm->node));
    MPI_TRY(MPI_Comm_free(&comm->world));
    fed_set_abort(NULL, 0);
    MPI_TRY(MPI_Finalize());
}

fed_status_t fed_comm_create(int *argc, char ***argv, fed_comm_t **created) {
    fed_launcher_t launcher = fed_launcher_read();
    fed_status_t early = fed_launcher_check_early(&launcher);
    if (early != FED_OK) {
        *created = fed_comm_alone();
        return early;
    }
    fed_comm_t *comm = *created = FED_NEW(fed_comm_t);
    comm->piece_bytes = PIECE_BYTES;
    start(comm, argc, argv);
    fed_mpi_allow_short_naps();
    fed_control_begin(comm);
    fed_comm_expect(comm, "setting up", 0, -1);
    fed_status_t status = fed_workers_find(comm);
    if (status == FED_OK)
        status = fed_launcher_check(&launcher, comm->size, comm->library);
    return fed_comm_agree(comm, status, NULL, NULL);
}

fed_comm_t *fed_comm_alone(void) {
    fed_comm_t *comm = FED_NEW(fed_comm_t);
    comm->world = comm->node = MPI_COMM_NULL;
    comm->piece_bytes = PIECE_BYTES;
    comm->size = comm->node_size = 1;
    strcpy(comm->library, "no MPI");
    if (gethostname(comm->host, sizeof comm->host - 1) != 0)
        strcpy(comm->host, "localhost");
    (void)fed_workers_find(comm); /* one rank trains, on however many cores */
    return comm;
}

void fed_comm_destroy(fed_comm_t *comm) {
    if (comm->world != MPI_COMM_NULL)
        end(comm);
    fed_free(comm->received);
    fed_free(comm->workers);
    fed_free(comm->leaders);
    fed_free(comm);
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
