/* The end of chains under differential privacy: an update that is longer than the bound is scaled
 * down to it, and its integers are looked at before they are added, so that rounding makes none
 * longer. McMahan et al. 2018, Algorithm 1, FlatClip. */
#include "encoders.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/fl/client.h"
#include "fedmpi/math/fixed.h"

#include <math.h>
#include <string.h>

#define LARGEST_LIMIT 0x1p60 /* longer is no limit to what is in range */
#define MOST_TRIES 8
#define LITTLE 0x1p-40 /* less, against the rounding of floats */

/* Exactly; stops where it is too long. */
static bool is_within(const int64_t *numbers, size_t count, double limit) {
    const unsigned __int128 most = (unsigned __int128)limit * (unsigned __int128)limit;
    unsigned __int128 squares = 0;
    for (size_t j = 0; j < count; j++) {
        uint64_t size = numbers[j] < 0 ? -(uint64_t)numbers[j] : (uint64_t)numbers[j];
        if ((double)size > limit)
            return false;
        squares += (unsigned __int128)size * size;
        if (squares > most)
            return false;
    }
    return true;
}

static double length_of(const int64_t *numbers, size_t count) {
    double squares = 0;
    for (size_t j = 0; j < count; j++)
        squares += (double)numbers[j] * (double)numbers[j];
    return sqrt(squares);
}

/* So much shorter that rounding, which adds a half to each number at most, leaves it within. */
static double shrink(const int64_t *numbers, size_t count, double limit) {
    double room = limit - sqrt((double)count) / 2;
    return room > 0 ? room / length_of(numbers, count) * (1 - LITTLE) : 0;
}

/* The update's integers as they are.
 * @param norm  [out] of the update before its factor @return false if a number is out of range */
static bool round_numbers(const fed_message_t *message, int64_t *numbers, double *norm) {
    const fed_difference_t *vector = &message->vector;
    size_t count = message->place->count;
    double squared_norm;
    memset(numbers, 0, count * sizeof *numbers);
    bool in_range = fed_fixed_accumulate(count, vector->to, vector->from,
                                         message->weight * message->factor, numbers, &squared_norm);
    *norm = sqrt(squared_norm);
    return in_range;
}

/* Scaled down until they are no longer than the limit. */
static void round_within(fed_message_t *message, double limit, int64_t *numbers) {
    size_t count = message->place->count;
    double unused;
    for (int tries = 0; limit <= LARGEST_LIMIT && !is_within(numbers, count, limit); tries++) {
        message->factor *= tries < MOST_TRIES ? shrink(numbers, count, limit) : 0;
        round_numbers(message, numbers, &unused);
    }
}

static void clip(const fed_client_t *client, fed_message_t *message) {
    const fed_trainer_t *trainer = client->trainer;
    const fed_privacy_t *privacy = &trainer->method->privacy;
    const fed_slots_t *slots = &trainer->method->slots;
    size_t count = message->place->count;
    double bound = fed_privacy_bound(privacy, trainer->config, slots, trainer->down), norm;
    FED_AUTOFREE int64_t *numbers = FED_NEW_ARRAY(int64_t, count);
    message->in_range &= round_numbers(message, numbers, &norm);
    if (!message->in_range)
        return;
    if (isnan(message->norm))
        message->norm = norm;
    norm *= fabs(message->factor);
    message->clipped = norm > bound;
    if (message->clipped) {
        message->factor *= bound / norm;
        round_numbers(message, numbers, &norm);
    }
    round_within(message,
                 fed_privacy_sensitivity(privacy, trainer->config, slots, trainer->down,
                                         message->place->slot),
                 numbers);
    int64_t *sums = trainer->sums + message->place->offset;
    for (size_t j = 0; j < count; j++)
        sums[j] = (int64_t)((uint64_t)sums[j] + (uint64_t)numbers[j]);
    fed_client_note(client, &fed_clipped, message->clipped);
}

/* Was the update within the bound? */
static void tell(const fed_client_t *client, fed_message_t *message) {
    double half = client->task->weight * FED_FIXED_ONE / 2;
    int64_t *sum = client->trainer->sums + message->place->offset;
    *sum += (int64_t)(message->update->clipped ? -half : half);
}

static void encode(const fed_client_t *client, fed_message_t *message) {
    if (message->place->slot != &fed_slot_within)
        clip(client, message);
    else if (message->update->in_range)
        tell(client, message);
}

const fed_encoder_t fed_encoder_clip = {
    .plugin = {.name = "clip", .summary = "integers, and together no longer than privacy allows"},
    .linear = true,
    .rewrites = true, /* as much memory */
    .encode = encode,
};
