/* Clients' states beside a checkpoint.
 *
 * Each rank writes those of its own clients, one by one, into a numbered file of its own,
 * FILE.states.GENERATION.RANK. Every checkpoint that is made of new states is a new generation;
 * the checkpoint itself names the generation, its files and their seals, and becomes valid when
 * they are all on the disk. So a kill at any moment leaves the last two checkpoints whole: the
 * files of a generation go when no checkpoint names it any more.
 */
#ifndef FEDMPI_RUN_STATES_FILES_H
#define FEDMPI_RUN_STATES_FILES_H

#include "fedmpi/run/federation.h"

/* The states after the last complete round, on the disk; nothing is written that is there already.
 * Collective; the same status on all ranks.
 * @param bundle  server: [in,out] the checkpoint that is to name them; NULL elsewhere */
fed_status_t fed_states_files_save(fed_federation_t *federation, fed_bundle_t *bundle);

/* Server, after the checkpoint was written or could not be: files that no checkpoint names go. */
void fed_states_files_settle(fed_federation_t *federation, fed_status_t written);

/* Each rank takes its own clients' states out of the files that hold them, whichever ranks wrote
 * them. Collective; the same status on all ranks, and no states if it is not FED_OK.
 * @param bundle  server: the checkpoint; NULL elsewhere */
fed_status_t fed_states_files_load(fed_federation_t *federation, const fed_bundle_t *bundle);

/* The files that a checkpoint names. Local; FED_INPUT if they cannot be.
 * @param list  [out] for fed_states_list_fini, whatever the status */
fed_status_t fed_states_files_find(const fed_bundle_t *bundle, const fed_states_t *states,
                                   fed_states_list_t *list);

/* This rank's clients' states out of them, opened and not yet committed. Local; FED_INPUT if a
 * file is missing, damaged or not what a run has written. */
fed_status_t fed_states_files_read(fed_federation_t *federation, const fed_states_list_t *list);

void fed_states_list_fini(fed_states_list_t *list);

/* Server: the last generation of which files are there; 0: none. */
int64_t fed_states_files_last(const fed_run_t *run);

/* Server: remove those of all generations. */
void fed_states_files_remove(const fed_run_t *run);

#endif
