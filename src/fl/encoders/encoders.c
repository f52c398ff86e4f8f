/* The table of encoders, and the key that names some of them. */
#include "encoders.h"

const fed_plugin_table_t fed_encoders = FED_PLUGIN_TABLE("encoder", FED_ENCODERS);

static const fed_key_t keys[] = {
    FED_NAMES(fed_encoder_options_t, encoders, &fed_encoders, "",
              "what clients' updates pass on their way to the server, in this order and before "
              "the aggregation, see --list"),
};

const fed_key_group_t fed_encoder_keys = FED_KEY_GROUP("federated", fed_encoder_options_t, keys);
