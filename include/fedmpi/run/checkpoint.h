/** Checkpoints: all that decides the future of a run.
 *
 * The state stands in a sealed file, FILE, and its predecessor in FILE.previous. The rows of
 * the results so far, which grow with the run, stand in a journal, FILE.rows, to which each
 * checkpoint appends its own; both checkpoints say how far it counts for them. The journal is
 * on the disk before the checkpoint that needs it.
 */
#ifndef FEDMPI_RUN_CHECKPOINT_H
#define FEDMPI_RUN_CHECKPOINT_H

#include "fedmpi/run/federation.h"

#include <stdbool.h>

/** [checkpoint]; its time limit is run/limit.h's. */
typedef struct fed_checkpoint_options {
    const char *file;
    int64_t every;
} fed_checkpoint_options_t;

FED_DECLARE_OPTIONS(fed_checkpoint)

/** Save the state after the last complete round: global parameters, the
 * server's and the clients' vectors, the baseline in the middle of its epoch, the configuration,
 * the rows since the last checkpoint. Collective.
 * @param complete  nothing of the run is left to do
 * @return of this rank: others may have another */
fed_status_t fed_checkpoint_save(fed_federation_t *federation, bool complete);

/** Server, after fed_record_create: take the state out of a checkpoint.
 * FED_INPUT if anything in it is not what this run could have written. Local.
 * @param rows  of its journal */
fed_status_t fed_checkpoint_restore(fed_federation_t *federation, const fed_bundle_t *bundle,
                                    const fed_bundle_t *rows);

/** Server: load the checkpoint of this configuration if there is one. Without one, a results file
 * that is there must be this configuration's, too; if it is complete nothing is left to do.
 * FED_INPUT if it is damaged, or belongs to a configuration that differs in a key
 * that alters the past; the message names the key. */
fed_status_t fed_checkpoint_load(fed_federation_t *federation, bool *found);

/** Server: remove the checkpoint and its journal, if they are there. */
void fed_checkpoint_discard(const fed_run_t *run);

/** After fed_checkpoint_load: what the other ranks need. Collective, also without a
 * checkpoint. */
void fed_checkpoint_spread(fed_federation_t *federation);

#endif
