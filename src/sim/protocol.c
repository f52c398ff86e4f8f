/* The table of protocols. */
#include "sim/protocols/protocols.h"

const fed_plugin_table_t fed_protocols = FED_PLUGIN_TABLE("protocol", FED_PROTOCOLS);

static const fed_key_t keys[] = {
    FED_NAME(fed_protocol_options_t, protocol, &fed_protocols, "rounds",
             "who trains from which parameters and when results count, see --list"),
};

const fed_key_group_t fed_protocol_keys = FED_KEY_GROUP("federated", fed_protocol_options_t, keys);

const fed_protocol_t *fed_protocol_of(const fed_config_t *config) {
    return (const fed_protocol_t *)fed_protocol_options(config)->protocol;
}
