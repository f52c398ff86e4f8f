/* Chains of encoders, and what they do to messages. */
#include "fedmpi/fl/encoder.h"

#include "fedmpi/core/error.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/math/norm.h"

#include <math.h>

void fed_chain_add(fed_chain_t *chain, const fed_encoder_t *link) {
    if (chain->count == FED_MOST_LINKS)
        fed_die("%s is one link too many", link->plugin.name);
    chain->links[chain->count++] = link;
}

static fed_status_t check_pair(const fed_encoder_t *link, const fed_encoder_t *other,
                               const fed_config_t *config, const char *key) {
    if (link == other)
        return fed_config_fail(config, key, "federated.aggregation brings %s along already",
                               link->plugin.name);
    if (!link->needs_linear || other->linear)
        return FED_OK;
    return fed_config_fail(config, key, "%s goes with what can be added up, and %s (%s) cannot",
                           link->plugin.name, other->plugin.name, other->plugin.summary);
}

fed_status_t fed_chain_check(const fed_chain_t *chain, const fed_config_t *config,
                             const char *key) {
    for (size_t i = 0; i < chain->count; i++)
        for (size_t j = 0; j < chain->count; j++)
            if (i != j)
                FED_TRY(check_pair(chain->links[i], chain->links[j], config, key));
    return FED_OK;
}

static bool is_for(const fed_encoder_t *link, const fed_slot_t *slot) {
    return slot == &fed_slot_update || !link->update_only;
}

bool fed_chain_pass(const fed_chain_t *chain, const fed_client_t *client, fed_message_t *messages,
                    size_t count) {
    bool in_range = true;
    for (size_t i = 0; in_range && i < chain->count; i++)
        for (size_t m = 0; m < count; m++) {
            if (is_for(chain->links[i], messages[m].place->slot))
                chain->links[i]->encode(client, &messages[m]);
            in_range &= messages[m].in_range;
        }
    return in_range;
}

size_t fed_chain_bytes(const fed_chain_t *chain, const fed_config_t *config,
                       const fed_slots_t *slots) {
    size_t total = 0;
    for (size_t p = 0; p < slots->place_count; p++) {
        const fed_place_t *place = &slots->places[p];
        if (place->slot->owner != FED_OWNER_UP)
            continue;
        size_t bytes = place->count * sizeof(float);
        for (size_t i = 0; i < chain->count; i++)
            if (is_for(chain->links[i], place->slot) && chain->links[i]->bytes)
                bytes = chain->links[i]->bytes(config, place->count, bytes);
        total += bytes;
    }
    return total;
}

static bool is_rewritten(const fed_chain_t *chain, const fed_slot_t *slot) {
    for (size_t i = 0; i < chain->count; i++)
        if (is_for(chain->links[i], slot) && chain->links[i]->rewrites)
            return true;
    return false;
}

size_t fed_chain_memory(const fed_chain_t *chain, const fed_slots_t *slots) {
    size_t numbers = 0;
    for (size_t p = 0; p < slots->place_count; p++)
        if (slots->places[p].slot->owner == FED_OWNER_UP &&
            is_rewritten(chain, slots->places[p].slot))
            numbers += 2 * slots->places[p].count; /* see fed_message_rewrite */
    return numbers * sizeof(float);
}

bool fed_difference_scale(size_t n, const fed_difference_t *vector, double scale, float *out) {
    bool in_range = true;
    for (size_t j = 0; j < n; j++) {
        double difference = (double)vector->to[j] - (double)vector->from[j];
        in_range &= fabs(difference) < FED_FIXED_LIMIT;
        out[j] = (float)(difference * scale);
    }
    return in_range;
}

double fed_message_norm(const fed_message_t *message) {
    return fabs(message->factor) *
           fed_norm_difference(message->place->count, message->vector.to, message->vector.from);
}

/* The second half stays zero: what the numbers of the first differ from. */
float *fed_message_rewrite(fed_message_t *message) {
    size_t n = message->place->count;
    if (message->own) {
        for (size_t j = 0; j < n; j++)
            message->own[j] = (float)((double)message->own[j] * message->factor);
        message->factor = 1;
        return message->own;
    }
    message->norm = fed_norm_difference(n, message->vector.to, message->vector.from);
    message->own = FED_NEW_ARRAY(float, 2 * n);
    message->in_range &= fed_difference_scale(n, &message->vector, message->factor, message->own);
    message->vector = (fed_difference_t){message->own, message->own + n};
    message->factor = 1;
    return message->own;
}
