/** The claim to the files that a run writes: nobody else writes them, and what lies there is not
 * lost without the user's word. The server has it. */
#ifndef FEDMPI_RUN_CLAIM_H
#define FEDMPI_RUN_CLAIM_H

#include "fedmpi/comm/comm.h"
#include "fedmpi/config/config.h"
#include "fedmpi/core/lock.h"
#include "fedmpi/io/earlier.h"
#include "fedmpi/run/options.h"

/** {0}: nothing is claimed. */
typedef struct fed_claim {
    fed_lock_t results, checkpoint;
} fed_claim_t;

/** Before anything takes time: lock the results file and the checkpoint, see that both can be
 * written, and unless --resume or --overwrite were given that there are none. What an earlier run
 * left stays as it is until this one has something to put in its place.
 * @return FED_INPUT naming the key, the file and what the user can do */
fed_status_t fed_claim_take(fed_claim_t *claim, const fed_config_t *config,
                            const fed_options_t *options);

/** What an earlier run left in the results file. FED_INPUT, naming the key, if it is none of ours;
 * then there is nothing to give back. */
fed_status_t fed_claim_look(const fed_config_t *config, fed_earlier_t *earlier);

/** Can every node write into the folder in which the server has claimed its checkpoint? For what
 * ranks save by themselves. Collective; the same status on all ranks.
 * @return FED_INPUT naming the key, and the node whose folder is another one */
fed_status_t fed_claim_share(const fed_comm_t *comm, const fed_config_t *config);

void fed_claim_release(fed_claim_t *claim);

#endif
