/** The clients' own view, over all ranks. */
#ifndef FEDMPI_SIM_PERSONAL_H
#define FEDMPI_SIM_PERSONAL_H

#include "fedmpi/sim/federation.h"

/** Evaluate the global model on every client's held-out samples, before and after
 * fine-tuning. Collective; does nothing where partition.holdout is 0.
 * @param row  [out] on the server; round 0 if there is none */
void fed_measure_personal(fed_federation_t *federation, int64_t round, fed_personal_row_t *row);

#endif
