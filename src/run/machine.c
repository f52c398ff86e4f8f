/* Versions, kernels, BLAS. */
#include "fedmpi/run/machine.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/nodes.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/math/blas.h"
#include "fedmpi/math/simd.h"
#include "fedmpi/run/version.h"

static fed_status_t agree_on_version(const fed_comm_t *comm) {
    FED_AUTOFREE char *version = fed_format("%s (%s)", fed_version(), fed_git_revision());
    return fed_comm_agree_text(comm, "versions of the program", version);
}

/* A client's update must not depend on the rank that trains it. */
static fed_status_t agree_on_kernels(const fed_comm_t *comm) {
    FED_TRY(fed_comm_agree(comm, fed_simd_choose(), NULL, NULL));
    size_t rank = (size_t)fed_comm_rank(comm), mine = fed_simd_place();
    /* The last place of any rank, with the first rank that has it; and the first place. */
    size_t places[] = {mine << 32 | (UINT32_MAX - rank), SIZE_MAX - mine};
    fed_comm_largest(comm, places, 2);
    size_t last = places[0] >> 32, first = SIZE_MAX - places[1];
    fed_simd_step_down(last);
    if (first != last)
        fed_info("kernels: %s on all ranks, as rank %zu has no better", fed_simd_name(),
                 UINT32_MAX - (places[0] & UINT32_MAX));
    return FED_OK;
}

fed_status_t fed_machine_init(fed_machine_t *machine, const fed_comm_t *comm) {
    *machine = (fed_machine_t){.own_bytes = fed_memory_private()};
    FED_TRY(agree_on_version(comm));
    FED_TRY(agree_on_kernels(comm));
    machine->cpus = fed_comm_distinct(comm, fed_cpu_model(), "; ");
    machine->blas = fed_comm_distinct(comm, fed_blas_description(), "; ");
    if (fed_comm_agree_text(comm, "OpenBLAS's kernels", fed_blas_description()) != FED_OK)
        machine->blas_differs = fed_strdup(fed_error_message());
    return FED_OK;
}

void fed_machine_fini(fed_machine_t *machine) {
    fed_free(machine->cpus);
    fed_free(machine->blas);
    fed_free(machine->blas_differs);
    *machine = (fed_machine_t){0};
}
