/* fedmpi: federated learning, simulated on MPI. */
#include "fedmpi/cli/answer.h"
#include "fedmpi/cli/options.h"
#include "fedmpi/comm/comm.h"
#include "fedmpi/comm/launcher.h"
#include "fedmpi/core/environment.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/stop.h"
#include "fedmpi/math/blas.h"
#include "fedmpi/math/simd.h"
#include "fedmpi/run/job.h"

#include <stdbool.h>
#include <stdio.h>

static fed_status_t run(int argc, char **argv, const fed_launcher_t *launcher,
                        const fed_options_t *options, fed_status_t parsed) {
    fed_stop_on_signals(); /* before MPI: a job may be warned while it starts */
    fed_comm_t *comm;
    fed_status_t status = fed_comm_create(&argc, &argv, &comm);
    /* One of those that a launcher has started speaks, also where each is a run of its own. */
    bool speaks = fed_comm_is_server(comm) && (fed_comm_size(comm) > 1 || launcher->rank == 0);
    fed_log_init(options->volume, speaks);
    fed_environment_warn_of_slips();
    fed_blas_use_one_thread();
    if (status == FED_OK)
        status = parsed;
    if (status == FED_OK)
        status = fed_job_run(comm, options);
    fed_live_clear();
    if (status != FED_OK && speaks)
        fed_say("fedmpi: ", "%s", fed_error_message());
    fflush(NULL);
    fed_comm_destroy(comm);
    return status;
}

/* One of those that a launcher has started answers, all end alike. */
static fed_status_t answer(const fed_options_t *options, bool speaks) {
    if (!speaks && !freopen("/dev/null", "we", stdout))
        return fed_fail(FED_FAILURE, "cannot open /dev/null");
    fed_status_t status = fed_answer(options);
    if (status != FED_OK && speaks)
        fed_say("fedmpi: ", "%s", fed_error_message());
    return status;
}

int main(int argc, char **argv) {
    fed_options_t options;
    fed_launcher_t launcher = fed_launcher_read();
    fed_status_t status = fed_options_parse(&options, argc, argv);
    if (status == FED_OK && options.inquiry == FED_ASK_VERSION)
        status = fed_simd_choose(); /* it names the kernels */
    if (status == FED_OK && options.inquiry != FED_ASK_NOTHING) {
        status = answer(&options, launcher.rank == 0);
    } else {
        status = run(argc, argv, &launcher, &options, status);
    }
    fed_options_fini(&options);
    return fed_status_exit_code(status);
}
