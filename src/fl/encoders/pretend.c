/* A Byzantine client's parameters are what its attack pretends (fl/attack.h). It comes first:
 * what the server asks of a message is asked of an attacker's too. */
#include "encoders.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/fl/client.h"

#include <assert.h>

static void encode(const fed_client_t *client, fed_message_t *message) {
    const fed_client_task_t *task = client->task;
    float *w = client->training->w;
    if (!client->attack)
        return;
    assert(message->vector.to == w && message->vector.from == client->w);
    fed_stream_t stream = {
        .seed = task->seed, .purpose = FED_RANDOM_ATTACK, .who = task->client, .when = task->round};
    client->attack->pretend(client->trainer->config, &stream, message->place->count, client->w, w);
}

const fed_encoder_t fed_encoder_pretend = {
    .plugin = {.name = "pretend", .summary = "what Byzantine clients send"},
    .linear = true,
    .update_only = true,
    .encode = encode,
};
