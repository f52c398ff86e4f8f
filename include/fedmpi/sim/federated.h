/** The federated run: the round loop. */
#ifndef FEDMPI_SIM_FEDERATED_H
#define FEDMPI_SIM_FEDERATED_H

#include "fedmpi/sim/federation.h"

/** All rounds that are still to do. Collective.
 * After FED_STOPPED the federation stands after its last complete round. */
fed_status_t fed_federated_run(fed_federation_t *federation);

/** Add up the sums of all ranks on the server, and decode them into server->up. Collective. */
void fed_gather_sums(fed_federation_t *federation);

/** What the server does in a waiting time: a piece of the baseline, a sign of life.
 * @return false when the baseline is complete */
bool fed_server_works(fed_server_t *server, int64_t round);

/** Loss and accuracy of w on samples, shared out over all ranks that have a core; exact.
 * Collective.
 * @param w          [in] the same on every rank
 * @param confusion  [out] server: [classes][classes], zeroed before; or NULL
 * @return on the server; elsewhere of no meaning */
fed_measure_t fed_evaluate_together(fed_federation_t *federation, const fed_samples_t *samples,
                                    const float *w, int64_t *confusion);

#endif
