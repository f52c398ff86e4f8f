/* An update that is longer than federated.norm_bound is scaled down to it: Sun et al. 2019,
 * "Can You Really Backdoor Federated Learning?", section 4.3. The model is what is protected:
 * other vectors of the client pass uncut. */
#include "encoders.h"

#include "fedmpi/fl/client.h"

static void encode(const fed_client_t *client, fed_message_t *message) {
    double bound = client->trainer->config->federated.norm_bound;
    double norm = fed_message_norm(message);
    if (norm > bound)
        message->factor *= bound / norm;
}

const fed_encoder_t fed_encoder_norm_bound = {
    .plugin = {"norm_bound", "cuts updates to federated.norm_bound (Sun et al. 2019)"},
    .linear = true,
    .update_only = true,
    .encode = encode,
};
