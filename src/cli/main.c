/* fedmpi: federated learning, simulated on MPI. */
#include "fedmpi/cli/options.h"
#include "fedmpi/comm/comm.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/stop.h"
#include "fedmpi/math/blas.h"
#include "fedmpi/run/job.h"

#include <stdio.h>
#include <stdlib.h>

/* Launchers start every rank with the same options; one of them answers. */
static int rank_by_launcher(void) {
    static const char *const variables[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *rank = getenv(variables[i]);
        if (rank)
            return (int)strtol(rank, NULL, 10);
    }
    return 0;
}

static fed_status_t run(int argc, char **argv, const fed_options_t *options, fed_status_t parsed) {
    fed_stop_on_signals(); /* before MPI: a job may be warned while it starts */
    fed_comm_t *comm = fed_comm_create(&argc, &argv);
    bool server = fed_comm_is_server(comm);
    fed_log_init(options->volume, server);
    fed_blas_use_one_thread();
    fed_status_t status = parsed == FED_OK ? fed_job_run(comm, options) : parsed;
    fed_live_clear();
    if (status != FED_OK && server)
        fprintf(stderr, "fedmpi: %s\n", fed_error_message());
    fflush(NULL);
    fed_comm_destroy(comm);
    return status;
}

int main(int argc, char **argv) {
    fed_options_t options;
    fed_status_t status = fed_options_parse(&options, argc, argv);
    if (status == FED_OK && options.inquiry != FED_ASK_NOTHING) {
        if (rank_by_launcher() == 0)
            fed_answer(options.inquiry);
        if (fflush(stdout) != 0)
            status = fed_fail(FED_FAILURE, "cannot write to stdout");
    } else {
        status = run(argc, argv, &options, status);
    }
    fed_options_fini(&options);
    return fed_status_exit_code(status);
}
