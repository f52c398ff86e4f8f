/* From a client's vectors to sums, or to a row of their own. */
#include "send.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/math/norm.h"

#include <math.h>

/* What the client sends, through the chain: [slots of FED_OWNER_UP]. */
static void encode_all(const fed_client_t *client, fed_message_t *messages) {
    const fed_slots_t *slots = &client->trainer->method->slots;
    for (size_t i = 0; i < slots->place_count; i++) {
        const fed_place_t *place = &slots->places[i];
        if (place->slot->owner != FED_OWNER_UP)
            continue;
        messages[place->index] = (fed_message_t){.place = place,
                                                 .vector = client->up[place->index],
                                                 .factor = 1,
                                                 .in_range = true,
                                                 .norm = NAN};
        fed_chain_encode(&client->trainer->method->chain, client, &messages[place->index]);
    }
}

/* The messages as rows of floats. */
static bool keep_all(const fed_client_t *client, const fed_message_t *messages, size_t count) {
    bool in_range = true;
    for (size_t i = 0; i < count; i++)
        in_range &= fed_difference_keep(messages[i].place->count, &messages[i].vector,
                                        client->scale * messages[i].factor,
                                        client->trainer->row + messages[i].place->offset);
    return in_range;
}

/* The messages into the sums, in one pass each. @param norm [out] of the first */
static bool add_weighted(const fed_client_t *client, const fed_message_t *messages, size_t count,
                         double weight, double *norm) {
    bool in_range = true;
    for (size_t i = 0; i < count; i++) {
        const fed_message_t *message = &messages[i];
        double squared_norm;
        in_range &=
            fed_fixed_accumulate(message->place->count, message->vector.to, message->vector.from,
                                 weight * message->factor,
                                 client->trainer->sums + message->place->offset, &squared_norm);
        if (i == 0)
            *norm = sqrt(squared_norm);
    }
    return in_range;
}

/* A client that is to be left out must leave no trace in the sums: with weight 0 a first
 * look adds nothing. Where divergence ends the run, the sums do not matter. */
static bool add_all(const fed_client_t *client, const fed_message_t *messages, size_t count,
                    double *norm) {
    if (fed_client_options(client->trainer->config)->on_divergence == FED_DIVERGENCE_SKIPS &&
        !add_weighted(client, messages, count, 0, norm))
        return false;
    return add_weighted(client, messages, count, client->task->weight * client->scale, norm);
}

/* Encode, and bring on its way. @param norm [out] of the update as it was */
static bool send_all(const fed_client_t *client, double *norm) {
    size_t count = client->trainer->method->slots.counts[FED_OWNER_UP];
    FED_AUTOFREE fed_message_t *messages = FED_NEW_ARRAY(fed_message_t, count);
    bool in_range = true;
    encode_all(client, messages);
    for (size_t i = 0; i < count; i++)
        in_range &= messages[i].in_range;
    if (in_range && client->trainer->row) {
        in_range = keep_all(client, messages, count);
        *norm = fed_norm_difference(messages->place->count, client->up[0].to, client->up[0].from);
    } else if (in_range)
        in_range = add_all(client, messages, count, norm);
    if (messages->own)
        *norm = messages->norm;
    for (size_t i = 0; i < count; i++)
        fed_free(messages[i].own);
    return in_range;
}

/* A loss that is no number is found in the parameters as a rule, but need not be. */
static bool is_measured(const fed_client_t *client) {
    return client->task->count == 0 || isfinite(fed_training_measure(client->training).loss);
}

fed_status_t fed_client_send(const fed_client_t *client, double *norm) {
    const fed_client_task_t *task = client->task;
    if (is_measured(client) && send_all(client, norm))
        return FED_OK;
    return fed_fail(FED_DIVERGED,
                    "round %u: client %u diverged: a parameter is not a number or changed by "
                    "more than %.0f; training.learning_rate = %g is likely too large",
                    task->round, task->client, FED_FIXED_LIMIT,
                    (double)client->training->sgd.learning_rate);
}
