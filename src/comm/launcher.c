#include "launcher.h"

#include "fedmpi/core/environment.h"

#include <stddef.h>
#include <stdlib.h>

/* The first of these variables that is set, as a number; `otherwise` where none is. */
static long first_of(const char *const *names, long otherwise) {
    for (; *names; names++) {
        const char *text = fed_environment_get(*names);
        if (text)
            return strtol(text, NULL, 10);
    }
    return otherwise;
}

/* A mpirun inside a job is the nearer launcher: what it says counts. srun tells how many tasks
 * a step has; a job's tasks (SLURM_NTASKS) also stand in the batch script, where one process
 * is all right. */
fed_launcher_t fed_launcher_read(void) {
    static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", NULL};
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", NULL};
    static const char *const srun_ranks[] = {"SLURM_PROCID", NULL};
    static const char *const srun_sizes[] = {"SLURM_STEP_NUM_TASKS", NULL};
    fed_launcher_t launcher = {.processes = first_of(sizes, -1)};
    launcher.is_srun = launcher.processes < 0 && fed_environment_get("SLURM_STEP_ID");
    if (launcher.is_srun)
        launcher.processes = first_of(srun_sizes, 0);
    launcher.rank = (int)first_of(ranks, launcher.is_srun ? first_of(srun_ranks, 0) : 0);
    return launcher;
}

fed_status_t fed_launcher_check(const fed_launcher_t *launcher, int ranks, const char *library) {
    if (ranks > 1 || launcher->processes <= 1)
        return FED_OK;
    if (launcher->is_srun)
        return fed_fail(FED_INPUT,
                        "srun started %ld processes, but each is alone (%s found no PMI that it "
                        "knows): use srun --mpi=pmix (srun --mpi=list shows what there is), or "
                        "mpirun in the job script",
                        launcher->processes, library);
    return fed_fail(FED_INPUT,
                    "the launcher started %ld processes, but each is alone: use the mpirun of the "
                    "MPI that fedmpi was built with (%s)",
                    launcher->processes, library);
}
