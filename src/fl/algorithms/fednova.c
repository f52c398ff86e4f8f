/* FedNova: Wang et al. 2020, "Tackling the Objective Inconsistency Problem in
 * Heterogeneous Federated Optimization", section 4: updates are divided by |a_k|_1, the
 * gradients that went into them, and their average is multiplied by the mean of those. */
#include "algorithms.h"

#include "fedmpi/fl/client.h"

#include <math.h>

static const fed_added_column_t effective_steps =
    FED_REAL_ADDED(&fed_round_table, "tau_eff", "1",
                   "effective steps: the average of normalised updates is multiplied with it");

static fed_status_t check(const fed_config_t *config) {
    FED_TRY(fed_optimizer_must_be_sgd(config, "fednova"));
    if (fed_momentum_persists(config))
        return fed_config_fail(config, "training.persistent_momentum",
                               "fednova counts on momentum that starts from zero each round");
    return FED_OK;
}

static void finish(fed_client_t *client) {
    double gradients = fed_client_gradients(client->trainer->config, client->steps);
    client->scale = gradients > 0 ? 1 / gradients : 1;
}

static void aggregate(const fed_aggregate_t *round) {
    if (isnan(round->gradients))
        return;
    fed_round_note(round, &effective_steps, round->gradients);
    double *update = fed_round_up(round, &fed_slot_update);
    for (size_t j = 0; j < round->slots->parameters; j++)
        update[j] *= round->gradients;
}

const fed_algorithm_t fed_algorithm_fednova = {
    .plugin = {.name = "fednova",
               .summary = "normalised averaging for unequal numbers of steps (Wang et al. 2020)",
               .columns = {&effective_steps}},
    .tells = "counts of steps",
    .check = check,
    .finish = finish,
    .aggregate = aggregate,
};
