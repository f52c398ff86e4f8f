/* What a client sends, through the chain. */
#include "send.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/math/fixed.h"

#include <assert.h>
#include <math.h>

/* What a link fills: until then it is nothing. */
static const float nothing = 0;

static fed_difference_t vector_of(const fed_client_t *client, const fed_place_t *place) {
    fed_difference_t vector = client->up[place->index];
    assert(vector.to || place->count == 1);
    return vector.to ? vector : (fed_difference_t){&nothing, &nothing};
}

/* Before the first link: [slots of FED_OWNER_UP]. */
static void write_messages(const fed_client_t *client, fed_message_t *messages) {
    const fed_slots_t *slots = &client->trainer->method->slots;
    for (size_t i = 0; i < slots->place_count; i++) {
        const fed_place_t *place = &slots->places[i];
        if (place->slot->owner == FED_OWNER_UP)
            messages[place->index] = (fed_message_t){.place = place,
                                                     .vector = vector_of(client, place),
                                                     .update = messages,
                                                     .factor = 1,
                                                     .weight = client->scale,
                                                     .in_range = true,
                                                     .norm = NAN};
    }
}

/* @param norm  [out] of the update as it was */
static bool send_all(const fed_client_t *client, double *norm) {
    const fed_method_t *method = client->trainer->method;
    size_t count = method->slots.counts[FED_OWNER_UP];
    FED_AUTOFREE fed_message_t *messages = FED_NEW_ARRAY(fed_message_t, count);
    write_messages(client, messages);
    bool in_range = fed_chain_pass(&method->chain, client, messages, count);
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
