/** Checkpoints: all that decides the future of a run. */
#ifndef FEDMPI_APP_CHECKPOINT_H
#define FEDMPI_APP_CHECKPOINT_H

#include "fedmpi/app/federation.h"

#include <stdbool.h>

/** Save the state after the last complete round: global parameters, the
 * server's and the clients' vectors, the baseline in the middle of its epoch, the results so far,
 * the configuration. Collective. A failure is left in server->status.
 * @param complete  nothing of the run is left to do */
void fed_checkpoint_save(fed_federation_t *federation, bool complete);

/** Server, after fed_record_create: take the state out of a checkpoint.
 * FED_INPUT if anything in it is not what this run could have written. Local. */
fed_status_t fed_checkpoint_restore(fed_federation_t *federation, const fed_bundle_t *bundle);

/** Server: load the checkpoint of this configuration if there is one.
 * FED_INPUT if it is damaged, or belongs to a configuration that differs in a key
 * that alters the past; the message names the key. */
fed_status_t fed_checkpoint_load(fed_federation_t *federation, bool *found);

/** After fed_checkpoint_load: what the other ranks need. Collective, also without a
 * checkpoint. */
void fed_checkpoint_spread(fed_federation_t *federation);

#endif
