/** Spending: what a run's rounds have cost in privacy, and how many more there may be. */
#ifndef FEDMPI_RUN_SPENDING_H
#define FEDMPI_RUN_SPENDING_H

#include "fedmpi/comm/comm.h"
#include "fedmpi/fl/privacy.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/io/bundle.h"
#include "fedmpi/privacy/accountant.h"

/** Server only. Zeroed where nothing is promised. */
typedef struct fed_spending {
    const fed_config_t *config;   /**< borrowed; NULL: nothing is promised */
    const fed_privacy_t *privacy; /**< borrowed */
    fed_accountant_t *accountant;
    fed_ledger_t ledger;
    fed_epsilon_t epsilon; /**< of the ledger */
} fed_spending_t;

/** Sets z: privacy.noise_multiplier, or the least that keeps within privacy.target_epsilon; and
 * which client's samples are accounted, those that risk most. Collective. @return FED_INPUT, on all
 * ranks, if none does, or a first round exceeds the budget */
fed_status_t fed_spending_calibrate(const fed_config_t *config, const fed_comm_t *comm,
                                    const fed_partition_t *partition, fed_privacy_t *privacy);

void fed_spending_init(fed_spending_t *spending, const fed_config_t *config,
                       const fed_privacy_t *privacy);
void fed_spending_fini(fed_spending_t *spending);

/** The last round that fits into privacy.epsilon_budget, at most `rounds`; those that are done are
 * in the ledger. */
int64_t fed_spending_last_round(const fed_spending_t *spending, int64_t rounds_done,
                                int64_t rounds);

/** What so many rounds more come to. */
fed_epsilon_t fed_spending_forecast(const fed_spending_t *spending, int64_t more);

/** One more round.
 * @param row  [out] of the table; of the round's row the number, C and noise are taken */
void fed_spending_add(fed_spending_t *spending, const fed_round_row_t *round,
                      fed_privacy_row_t *row);

/** The ledger into a checkpoint, and from it: FED_INPUT if it is none of so many rounds. */
void fed_spending_put(const fed_spending_t *spending, fed_bundle_t *checkpoint);
fed_status_t fed_spending_get(fed_spending_t *spending, const fed_bundle_t *checkpoint,
                              int64_t rounds);

/** Whose privacy it is: "clients" or "samples". */
const char *fed_spending_members(const fed_privacy_t *privacy);

/** "epsilon at most 1.833, at least 1.824 (by Renyi orders 2.101) at delta 1e-05"; the caller frees
 * it. */
char *fed_spending_say(const fed_epsilon_t *epsilon, double delta);

#endif
