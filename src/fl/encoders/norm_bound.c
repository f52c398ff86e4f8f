/* An update that is longer than federated.norm_bound is scaled down to it: Sun et al. 2019,
 * "Can You Really Backdoor Federated Learning?", section 4.3. The model is what is protected:
 * other vectors of the client pass uncut. */
#include "encoders.h"

#include "fedmpi/fl/client.h"

typedef struct options {
    double norm_bound;
} options_t;

static const fed_key_t keys[] = {
    FED_REAL(options_t, norm_bound, 0, 1e30, "1",
             "norm_bound: L2 norm to which a longer update is cut", .above_minimum = true),
};

const fed_key_group_t fed_norm_bound_keys = FED_KEY_GROUP("federated", options_t, keys);

const fed_added_column_t fed_norm_bound_cut = FED_INTEGER_ADDED(
    &fed_client_table, "cut", "1", "1: its update was longer than the norm bound");
const fed_added_column_t fed_norm_bound_cuts = FED_INTEGER_ADDED(
    &fed_round_table, "cut", "1", "clients whose updates were longer than the norm bound",
    .sum_of = &fed_norm_bound_cut);

static void encode(const fed_client_t *client, fed_message_t *message) {
    const options_t *options = fed_config_options(client->trainer->config, &fed_norm_bound_keys);
    double bound = options->norm_bound;
    double norm = fed_message_norm(message);
    if (norm > bound)
        message->factor *= bound / norm;
    fed_client_note(client, &fed_norm_bound_cut, norm > bound);
}

const fed_encoder_t fed_encoder_norm_bound = {
    .plugin = {.name = "norm_bound",
               .summary = "cuts updates to federated.norm_bound (Sun et al. 2019)",
               .keys = {&fed_norm_bound_keys},
               .columns = {&fed_norm_bound_cut, &fed_norm_bound_cuts}},
    .linear = true,
    .update_only = true,
    .encode = encode,
};
