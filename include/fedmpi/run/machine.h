/** What the ranks' machines have in common, so that it does not matter which one computes. */
#ifndef FEDMPI_RUN_MACHINE_H
#define FEDMPI_RUN_MACHINE_H

#include "fedmpi/comm/comm.h"

#include <stddef.h>

typedef struct fed_machine {
    char *cpus;         /**< server: processors' names, each once; NULL elsewhere */
    char *blas;         /**< the same of BLAS libraries and the kernels that they chose */
    size_t own_bytes;   /**< of this rank's memory that MPI and the libraries have; 0: not known */
    char *blas_differs; /**< on every rank: how, and on which hosts; NULL: all chose the same */
} fed_machine_t;

/** Agree on the program's version and on the kernels: the least of any rank. Collective.
 * After any status, fed_machine_fini gives everything back.
 * @return FED_INPUT where FEDMPI_SIMD is wrong on some rank, or versions differ */
fed_status_t fed_machine_init(fed_machine_t *machine, const fed_comm_t *comm);
void fed_machine_fini(fed_machine_t *machine);

#endif
