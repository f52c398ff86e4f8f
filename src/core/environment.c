/* The table of environment variables, and the only look at them. */
#include "fedmpi/core/environment.h"

#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "FEDMPI_" /* of ours */
#define PREFIX_LENGTH (sizeof PREFIX - 1)

/* clang-format off */
const fed_variable_t fed_environment[] = {
    {"FEDMPI_CORES", "a number of cores from 1 on",
     "how many ranks of a node work at a time, where affinity does not tell: as in a container "
     "that has a share of the time, or to have more ranks than cores all work"},
    {"FEDMPI_SIMD", "avx512, avx2 or plain, as far as the processor has it",
     "the instruction set of the kernels; all ranks use the least of any rank"},
    {"TMPDIR", NULL,
     "where the ranks of a node share their data if /dev/shm has no room and they do not see each "
     "other below /proc; by default /tmp"},
    {"SLURM_JOB_ID", NULL, "recorded in the results file, and beside files that a run is writing"},
    {"SLURM_RESTART_COUNT", NULL, "tells the starts of a job from each other"},
    {"SLURM_JOB_END_TIME", NULL, "when the job ends: the run saves and stops before"},
    {"SLURM_STEP_ID", NULL, "srun started this process, not the batch script"},
    {"SLURM_STEP_NUM_TASKS", NULL, "how many processes srun has started"},
    {"SLURM_PROCID", NULL, "which of srun's processes this is"},
    {"OMPI_COMM_WORLD_SIZE", NULL, "how many processes Open MPI's mpirun has started"},
    {"OMPI_COMM_WORLD_RANK", NULL, "which of them this is"},
    {"OMPI_MCA_pml", NULL, "how Open MPI sends; without it fedmpi keeps it from waiting for cards of "
                          "fast networks where there is no such device (OMPI_MCA_mtl)"},
    {"PMIX_RANK", NULL, "the same from a launcher that speaks PMIx"},
    {"PMI_SIZE", NULL, "how many processes a launcher that speaks PMI has started"},
    {"PMI_RANK", NULL, "which of them this is"},
};
/* clang-format on */

/* Read by job scripts and the analysis, which hand their environment on: no slips. */
static const char *const elsewhere[] = {
    "HOME",         "SITE",       "PARTITION", "ACCOUNT", "TIME",    "RANKS",
    "SBATCH",       "MODULES",    "LAUNCHER",  "PROGRAM", "PYTHON",  "OUTPUT",
    "MAX_RESTARTS", "MAX_LOSSES", "DATA",      "MIRRORS", "RESULTS",
};
#define ELSEWHERE (sizeof elsewhere / sizeof *elsewhere)

const size_t fed_environment_count = sizeof fed_environment / sizeof *fed_environment;

static const fed_variable_t *find(const char *name) {
    for (size_t i = 0; i < fed_environment_count; i++)
        if (strcmp(fed_environment[i].name, name) == 0)
            return &fed_environment[i];
    fed_die("environment variable %s does not stand in the table", name);
}

const char *fed_environment_get(const char *name) {
    return getenv(find(name)->name);
}

const char *fed_environment_named(const char *name) {
    return getenv(name);
}

fed_status_t fed_environment_fail(const char *name, const char *reason) {
    const fed_variable_t *variable = find(name);
    const char *value = fed_environment_get(name);
    return fed_fail(FED_INPUT, "environment variable %s = %s: %s%saccepted is %s", name,
                    value && *value ? value : "(empty)", reason ? reason : "", reason ? "; " : "",
                    variable->accepted);
}

void fed_environment_warn_of_slips(void) {
    const char *ours[ELSEWHERE + sizeof fed_environment / sizeof *fed_environment];
    size_t count = ELSEWHERE;
    memcpy(ours, elsewhere, sizeof elsewhere);
    for (size_t i = 0; i < fed_environment_count; i++)
        if (fed_environment[i].accepted)
            ours[count++] = fed_environment[i].name + PREFIX_LENGTH;
    for (char **entry = environ; *entry; entry++) {
        if (strncmp(*entry, PREFIX, PREFIX_LENGTH) != 0)
            continue;
        const char *rest = *entry + PREFIX_LENGTH;
        FED_AUTOFREE char *name = fed_format("%.*s", (int)strcspn(rest, "="), rest);
        const char *nearest = fed_text_nearest(name, ours, count);
        if (nearest && strcmp(nearest, name) != 0)
            fed_warn("environment variable " PREFIX "%s is not read; did you mean " PREFIX "%s?",
                     name, nearest);
    }
}
