/* The ends of chains: a client's weight and the rounding to what is added up exactly, or floats
 * for a rule that looks at them first. */
#include "encoders.h"

#include "fedmpi/fl/client.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/math/norm.h"

#include <math.h>

/* With a weight of zero nothing is added. */
static void add(const fed_client_t *client, fed_message_t *message, double weight) {
    double squared_norm;
    message->in_range &=
        fed_fixed_accumulate(message->place->count, message->vector.to, message->vector.from,
                             weight, client->trainer->sums + message->place->offset, &squared_norm);
    if (isnan(message->norm))
        message->norm = sqrt(squared_norm);
}

static void look_for_range(const fed_client_t *client, fed_message_t *message) {
    add(client, message, 0);
}

/* A client that is to be left out must leave no trace in the sums: all that it sends is looked at
 * before the first number is added. */
const fed_encoder_t fed_encoder_range = {
    .plugin = {.name = "range", .summary = "finds clients that diverged"},
    .linear = true,
    .encode = look_for_range,
};

static void weigh(const fed_client_t *client, fed_message_t *message) {
    message->weight *= client->task->weight;
}

const fed_encoder_t fed_encoder_weight = {
    .plugin = {.name = "weight", .summary = "a client's share of the sum"},
    .linear = true,
    .encode = weigh,
};

static void round_and_add(const fed_client_t *client, fed_message_t *message) {
    add(client, message, message->weight * message->factor);
}

/* In one pass over w_k, w and the sums. */
const fed_encoder_t fed_encoder_fixed_point = {
    .plugin = {.name = "fixed_point", .summary = "integers that are added up exactly"},
    .linear = true,
    .encode = round_and_add,
};

static void show(const fed_client_t *client, fed_message_t *message) {
    const fed_place_t *place = message->place;
    if (isnan(message->norm) && place->slot == &fed_slot_update)
        message->norm = fed_norm_difference(place->count, message->vector.to, message->vector.from);
    message->in_range &=
        fed_difference_scale(place->count, &message->vector, message->weight * message->factor,
                             client->trainer->shown + place->offset);
}

const fed_encoder_t fed_encoder_show = {
    .plugin = {.name = "show", .summary = "floats of each client, for a rule that looks at them"},
    .encode = show,
};
