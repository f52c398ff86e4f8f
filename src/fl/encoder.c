/* Chains of encoders, and what they do to messages. */
#include "fedmpi/fl/encoder.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/math/norm.h"

#include <math.h>

fed_status_t fed_chain_check(const fed_chain_t *chain, const fed_config_t *config,
                             const char *key) {
    for (size_t i = 0; i < chain->count; i++)
        for (size_t before = 0; chain->links[i]->needs_linear && before < i; before++)
            if (!chain->links[before]->linear)
                return fed_config_fail(config, key,
                                       "%s goes behind what can be added up only, and sums of "
                                       "what %s makes have no meaning",
                                       chain->links[i]->plugin.name,
                                       chain->links[before]->plugin.name);
    return FED_OK;
}

static bool is_for(const fed_encoder_t *link, const fed_slot_t *slot) {
    return slot == &fed_slot_update || !link->update_only;
}

void fed_chain_encode(const fed_chain_t *chain, const fed_client_t *client,
                      fed_message_t *message) {
    for (size_t i = 0; i < chain->count; i++)
        if (is_for(chain->links[i], message->place->slot))
            chain->links[i]->encode(client, message);
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

bool fed_difference_keep(size_t n, const fed_difference_t *vector, double scale, float *row) {
    bool in_range = true;
    for (size_t j = 0; j < n; j++) {
        double difference = (double)vector->to[j] - (double)vector->from[j];
        in_range &= fabs(difference) < FED_FIXED_LIMIT;
        row[j] = (float)(difference * scale);
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
    message->in_range &= fed_difference_keep(n, &message->vector, message->factor, message->own);
    message->vector = (fed_difference_t){message->own, message->own + n};
    message->factor = 1;
    return message->own;
}
