/** Protocols: who trains from which parameters, and what their results become.
 *
 * A protocol is one const struct in one file of src/sim/protocols and its name in protocols.h.
 * It has a state of its own, the same kind on every rank, and reaches other ranks only through
 * the engine.
 */
#ifndef FEDMPI_SIM_PROTOCOL_H
#define FEDMPI_SIM_PROTOCOL_H

#include "fedmpi/config/plugin.h"
#include "fedmpi/sim/engine.h"

/** A vector that a run must find again when it goes on: exactly one pointer is set. */
typedef struct fed_saved {
    const char *name; /**< "down/w"; borrowed from the protocol */
    size_t count;
    float *floats; /**< [count] */
    double *doubles;
} fed_saved_t;

typedef struct fed_protocol {
    fed_plugin_t plugin;

    /** Before round 1. Local.
     * @param initial  server: the parameters to start from; NULL elsewhere
     * @return for destroy */
    void *(*create)(fed_engine_t *engine, const float *initial);
    void (*destroy)(void *state);

    /** What of the state is saved after a round: what is there already, or is to be filled, on
     * the server. Local.
     * @param saved  [out] [at most FED_SAVED_VECTORS] @return how many */
    size_t (*list_saved)(void *state, fed_saved_t *saved);

    /** Every rank gets what it needs before the first round, or after a state was loaded.
     * Collective. */
    void (*start)(void *state, fed_engine_t *engine);

    /** One round, after fed_engine_begin. Collective.
     * @param trained  [out] what the engine gathered
     * @param row      [out] server: drawn, update_norm
     * @return FED_STOPPED, FED_DIVERGED: the state is that of the round before */
    fed_status_t (*round)(void *state, fed_engine_t *engine, int64_t round, fed_trained_t *trained,
                          fed_round_row_t *row);

    /** The model that the round has made, on every rank, [parameters]; borrowed. Local. */
    const float *(*model)(const void *state);
} fed_protocol_t;

#define FED_SAVED_VECTORS 32

/** The table behind federated.protocol. */
extern const fed_plugin_table_t fed_protocols;

typedef struct fed_protocol_options {
    const fed_plugin_t *protocol; /**< a fed_protocol_t */
} fed_protocol_options_t;

FED_DECLARE_OPTIONS(fed_protocol)

/** The protocol that the configuration names. */
const fed_protocol_t *fed_protocol_of(const fed_config_t *config);

#endif
