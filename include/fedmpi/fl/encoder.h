/** Encoders: what a client's vectors pass on their way to the server.
 *
 * A chain of links turns the floats of local training into what is added up exactly, 64-bit
 * fixed-point integers (math/fixed.h). Each link says what it changes, the bytes that would
 * travel behind it, and whether its encodings may be added up. fl/method.c puts the chain of a
 * configuration together:
 *
 *     pretend                what a Byzantine client sends in place of its update
 *     ...                    those that federated.encoders names, in its order
 *     ...                    those of the aggregation rule, as norm_bound
 *     range                  where a client that diverged is left out: it must leave no trace
 *     weight, fixed_point    the client's share of the sum, and the rounding; or
 *     weight, clip           the same, no longer than privacy allows; or
 *     show                   floats, where the rule looks at them before it knows weights
 *
 * Between links a vector is a message that stands for factor * (to - from). A link that only
 * scales changes the factor and touches no number: such chains end in one fused pass over w_k
 * and w. A link that changes single numbers rewrites the message.
 *
 * An encoder is one const struct in one file and a line in encoders.h; an aggregation rule asks
 * for those that it needs.
 */
#ifndef FEDMPI_FL_ENCODER_H
#define FEDMPI_FL_ENCODER_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/fl/slots.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct fed_client fed_client_t; /* fl/client.h */

/** A vector that a client sends: to - from. */
typedef struct fed_difference {
    const float *to, *from;
} fed_difference_t;

/** A vector on its way through the chain. */
typedef struct fed_message {
    const fed_place_t *place; /**< the slot of FED_OWNER_UP that it fills */
    fed_difference_t vector;  /**< [place->count] */
    double factor;            /**< the message is factor * (to - from); 1 at first */
    double weight;            /**< what it counts for; the algorithm's scale of it at first */
    bool in_range;            /**< what links have seen of it: else the client diverged */
    const struct fed_message *update; /**< the client's message that is its update; maybe this */
    bool clipped;                     /**< it was longer than privacy allows */
    double norm; /**< L2 norm of the vector as the client sent it off; NaN before a
                      link has looked at all of it */
    float *own;  /**< memory of a message that was rewritten */
} fed_message_t;

typedef struct fed_encoder {
    fed_plugin_t plugin;

    /** Slots of FED_OWNER_CLIENT, as for the error that a client keeps; [slot_count]. */
    const fed_slot_t *const *slots;
    size_t slot_count;

    /** Encodings are added up number by number, and the sum decodes to the sum of what each
     * client encoded. False, say, for lists of positions. */
    bool linear;

    /** All other links of its chain must be linear, as for masks that cancel in the sum. */
    bool needs_linear;

    /** It calls fed_message_rewrite. */
    bool rewrites;

    /** Vectors beside the update (SCAFFOLD's change of its control) pass as they are. */
    bool update_only;

    /** Required: change a message. Local, and the same on every rank. */
    void (*encode)(const fed_client_t *client, fed_message_t *message);

    /** Optional: bytes that travel for so many numbers; NULL: as many as came in. */
    size_t (*bytes)(const fed_config_t *config, size_t numbers, size_t bytes);
} fed_encoder_t;

#define FED_MOST_LINKS 16

/** The links that a configuration asks for, in the order in which a vector passes them. */
typedef struct fed_chain {
    const fed_encoder_t *links[FED_MOST_LINKS]; /**< [count] */
    size_t count;
} fed_chain_t;

void fed_chain_add(fed_chain_t *chain, const fed_encoder_t *link);

/** FED_INPUT, naming `key`, if links do not go together. */
fed_status_t fed_chain_check(const fed_chain_t *chain, const fed_config_t *config, const char *key);

/** All messages through one link after another that is for them.
 * @param messages  [in,out] [count]; what they own is the caller's
 * @return false, behind the link that found it, if a number is out of range: the client diverged */
bool fed_chain_pass(const fed_chain_t *chain, const fed_client_t *client, fed_message_t *messages,
                    size_t count);

/** Bytes that one client sends in a round, behind the last link. */
size_t fed_chain_bytes(const fed_chain_t *chain, const fed_config_t *config,
                       const fed_slots_t *slots);

/** Bytes of the messages that a client's links rewrite, for estimates. */
size_t fed_chain_memory(const fed_chain_t *chain, const fed_slots_t *slots);

/** L2 norm of what the message stands for; its order of summation is part of the result. */
double fed_message_norm(const fed_message_t *message);

/** The message as numbers of its own, to change in place: [place->count]. */
float *fed_message_rewrite(fed_message_t *message);

/** out = (to - from) * scale; false if a difference is out of the range of numbers. */
bool fed_difference_scale(size_t n, const fed_difference_t *vector, double scale, float *out);

/** The table behind federated.encoders. */
extern const fed_plugin_table_t fed_encoders;

typedef struct fed_encoder_options {
    fed_names_t encoders; /**< each a fed_encoder_t */
} fed_encoder_options_t;

FED_DECLARE_OPTIONS(fed_encoder)

#endif
