/** Aggregation rules that look at single clients' vectors.
 *
 * Each rank keeps the vectors of its clients until the end of the round. The server
 * gathers a piece of everybody's at a time, so its memory does not grow with the model.
 */
#ifndef FEDMPI_SIM_SINGLE_H
#define FEDMPI_SIM_SINGLE_H

#include "fedmpi/sim/federation.h"

/** Make room for the vectors of this round's clients of this rank, if the rule wants them. */
void fed_single_begin(fed_federation_t *federation);

/** Where the vectors of this rank's index-th client go: a block of FED_OWNER_UP. NULL: to the sums.
 */
float *fed_single_row(const fed_federation_t *federation, size_t index);

/** Aggregate by the rule, after the server has everybody's rows: clients that diverged are not
 * among those whom the rule sees. The result is in server->up. Collective. */
void fed_single_aggregate(fed_federation_t *federation);

/** Bytes that a rank with so many clients a round holds of their vectors, and the server of
 * a piece, for estimates. */
size_t fed_single_client_bytes(const fed_run_t *run, size_t clients_here);
size_t fed_single_server_bytes(const fed_run_t *run);

#endif
