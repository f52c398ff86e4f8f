#include "launcher.h"

#include "fedmpi/core/environment.h"

#include <dirent.h>
#include <mpi.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The first of these variables that is set, as a number; `otherwise` where none is. */
static long first_of(const char *const *names, long otherwise) {
    for (; *names; names++) {
        const char *text = fed_environment_get(*names);
        if (text)
            return strtol(text, NULL, 10);
    }
    return otherwise;
}

/* Is srun the launcher? A mpirun inside its step is nearer, and so is one that uses srun to start
 * something of its own on each node. How many tasks a step has is what counts: a job's
 * (SLURM_NTASKS) also stand in the batch script, where one process is all right. */
static bool by_srun(long step_processes) {
    static const char *const pmi_sizes[] = {"PMI_SIZE", NULL};
    return fed_environment_get("SLURM_STEP_ID") && !fed_environment_get("OMPI_COMM_WORLD_SIZE") &&
           first_of(pmi_sizes, step_processes) == step_processes;
}

fed_launcher_t fed_launcher_read(void) {
    static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", NULL};
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", NULL};
    static const char *const srun_ranks[] = {"SLURM_PROCID", NULL};
    static const char *const srun_sizes[] = {"SLURM_STEP_NUM_TASKS", NULL};
    long step_processes = first_of(srun_sizes, 0);
    fed_launcher_t launcher = {.is_srun = by_srun(step_processes),
                               .has_pmix = fed_environment_get("PMIX_RANK")};
    launcher.processes = launcher.is_srun ? step_processes : first_of(sizes, 0);
    launcher.rank = (int)first_of(ranks, launcher.is_srun ? first_of(srun_ranks, 0) : 0);
    return launcher;
}

/* Does this MPI find the other ranks by PMIx alone? Open MPI does unless it was built for an
 * older PMI as well: such a part of it has a control variable. Others are not asked: they may
 * speak what shows in no variable. */
static bool knows_pmix_only(void) {
#ifdef OPEN_MPI
    static const char *const older[] = {"pmix_s1_major_version", "pmix_s2_major_version",
                                        "pmix_cray_major_version"};
    int provided, index;
    if (MPI_T_init_thread(MPI_THREAD_SINGLE, &provided) != MPI_SUCCESS)
        return false;
    bool found = false;
    for (size_t i = 0; i < sizeof older / sizeof *older; i++)
        found |= MPI_T_cvar_get_index(older[i], &index) == MPI_SUCCESS;
    MPI_T_finalize();
    return !found;
#else
    return false;
#endif
}

/* Is there a device of a network that Open MPI speaks to without the kernel? */
static bool has_fast_network(void) {
    static const char *const devices[] = {"infiniband", "hfi1", "ipath", "cxi", "kgni", "bxi"};
    bool found = false;
    DIR *folder = opendir("/dev");
    if (!folder)
        return true; /* who knows */
    for (struct dirent *entry; !found && (entry = readdir(folder));)
        for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
            found |= strncmp(entry->d_name, devices[i], strlen(devices[i])) == 0;
    closedir(folder);
    return found;
}

void fed_launcher_tune(void) {
    /* Open MPI spins in a blocking call unless it knows that cores are shared; on
     * a laptop the waiting server would take a core from a client. */
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    /* Its non-blocking reduction on few ranks is a chain of small pieces, each of which
     * would wait for somebody's nap; a tree has a few. */
    setenv("OMPI_MCA_coll_libnbc_ireduce_algorithm", "binomial", 0);
    /* Debian's waits 0.2 s in MPI_Init for cards that are not there, before it takes TCP and
     * shared memory as it does anyway. */
    if (!fed_environment_get("OMPI_MCA_pml") && !has_fast_network())
        setenv("OMPI_MCA_mtl", "^ofi,psm,psm2", 0);
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

fed_status_t fed_launcher_check_early(const fed_launcher_t *launcher) {
    if (launcher->processes > 1 && !launcher->has_pmix && knows_pmix_only())
        return fed_launcher_check(launcher, 1, "Open MPI");
    return FED_OK;
}
