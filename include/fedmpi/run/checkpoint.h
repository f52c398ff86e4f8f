/** Checkpoints: all that decides the future of a run.
 *
 * The state stands in a sealed file, FILE, and its predecessor in FILE.previous. The rows of
 * the results so far, which grow with the run, stand in a journal, FILE.rows, to which each
 * checkpoint appends its own; both checkpoints say how far it counts for them. What clients keep
 * stands in FILE.states.GENERATION.RANK, written by each rank for its own clients and named by
 * the checkpoint. Journal and states are on the disk before the checkpoint that needs them.
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
 * @return of this rank: what only the server writes may fail there only */
fed_status_t fed_checkpoint_save(fed_federation_t *federation, bool complete);

/** Server: rows that wait go behind the journal's mark, where the next checkpoint counts them.
 * Local. */
fed_status_t fed_checkpoint_spill(fed_federation_t *federation);

/** Server: does a checkpoint belong to this program, configuration and data? Local.
 * @return FED_INPUT naming what differs */
fed_status_t fed_checkpoint_check(const fed_bundle_t *bundle, const fed_federation_t *federation);

/** Server, after fed_checkpoint_check and fed_record_create: take the state out of a checkpoint,
 * but for clients' states and the rows of its journal. FED_INPUT if anything in it is not what this
 * run could have written. Local. */
fed_status_t fed_checkpoint_restore(fed_federation_t *federation, const fed_bundle_t *bundle);

/** Server, after that: the rows of a block of the journal. Local. */
fed_status_t fed_checkpoint_restore_rows(fed_federation_t *federation, const fed_bundle_t *rows);

/** Server, behind the last block: FED_INPUT unless all rows have come. Local. */
fed_status_t fed_checkpoint_check_rows(const fed_federation_t *federation);

/** Load the checkpoint of this configuration if the user asked for it and it is there. Without
 * one, a results file that is there must be this configuration's, too; if it is complete nothing
 * is left to do. Collective; the same status on all ranks.
 * @param found  [out] there was one
 * @return FED_INPUT if it is damaged, and the one before too, or belongs to a configuration that
 *         differs in a key that alters the past; the message names file or key */
fed_status_t fed_checkpoint_load(fed_federation_t *federation, bool *found);

/** Server: remove the checkpoint, its journal and its states, if they are there. */
void fed_checkpoint_discard(const fed_run_t *run);

#endif
