/** The method: what a configuration makes of each plug point of federated training.
 *
 * One of each is chosen by name and checked against the other keys; together they say which
 * vectors travel and are kept.
 */
#ifndef FEDMPI_FL_METHOD_H
#define FEDMPI_FL_METHOD_H

#include "fedmpi/fl/aggregation.h"
#include "fedmpi/fl/algorithm.h"
#include "fedmpi/fl/attack.h"
#include "fedmpi/fl/privacy.h"
#include "fedmpi/fl/sampler.h"
#include "fedmpi/fl/schedule.h"
#include "fedmpi/fl/server_optimizer.h"
#include "fedmpi/fl/slots.h"

struct fed_method {
    const fed_algorithm_t *algorithm;
    const fed_server_optimizer_t *optimizer;
    const fed_aggregation_t *aggregation;
    const fed_sampler_t *sampler;
    const fed_schedule_t *schedule;
    const fed_attack_t *attack; /**< of clients that are Byzantine */
    fed_privacy_t privacy;      /**< of clients; settled by fed_privacy_settle */
    fed_chain_t chain;          /**< what vectors pass on their way from a client */
    fed_columns_t round_columns, client_columns; /**< that the configuration's variants add */
    fed_slots_t slots; /**< all that these declare, and a momentum that persists */
};

/** What the configuration names, without slots as yet; FED_INPUT says what does not go
 * together. Nothing to give back. */
fed_status_t fed_method_find(fed_method_t *method, const fed_config_t *config);

/** The slots, once the number of the model's parameters is known. fed_method_fini ends it. */
void fed_method_settle(fed_method_t *method, const fed_config_t *config, size_t parameters);
void fed_method_fini(fed_method_t *method);

/** What the server keeps before round 1.
 * @param down          [in,out] [slots.lengths[FED_OWNER_DOWN]], with the parameters
 * @param server_state  [in,out] [slots.lengths[FED_OWNER_SERVER]], zeroed */
void fed_method_start(const fed_method_t *method, const fed_config_t *config, float *down,
                      double *server_state);

/** Bytes that would travel to and from one client in a round: the slots', behind the chain. */
size_t fed_method_bytes_down(const fed_method_t *method);
size_t fed_method_bytes_up(const fed_method_t *method, const fed_config_t *config);

/** The new global parameters from the round's averages. Server only, local.
 * @return L2 norm of the update that the server's step was given */
double fed_method_step(const fed_method_t *method, const fed_aggregate_t *round);

#endif
