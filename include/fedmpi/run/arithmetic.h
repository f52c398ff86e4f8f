/** What a run's bits depend on beside its configuration and data: who computes.
 *
 * Kernels with and without fused multiply-adds, and OpenBLAS's of different processors,
 * round differently. Ranks of one run agree on them; a run that is resumed on other machines may
 * find others, and then goes on with other bits than without the interruption: said, and recorded.
 */
#ifndef FEDMPI_RUN_ARITHMETIC_H
#define FEDMPI_RUN_ARITHMETIC_H

#include "fedmpi/run/run.h"

/** As fed_model_products. Local. The caller frees it; NULL: no layer is dense. */
char *fed_arithmetic_products(const fed_run_t *run);

/** Who computed from the first round on, a line for each change: "from round 1: fused kernels,
 * products of dense layers: fc1: own", and where some products are OpenBLAS's also its kernels.
 * @param then    what a checkpoint says; NULL: there is none, or it does not say
 * @param rounds  that are done
 * @return the caller frees it; with a warning where the machines have changed. Server only. */
char *fed_arithmetic_since(const fed_run_t *run, const char *then, int64_t rounds);

#endif
