/* The table of protocols. */
#include "sim/protocols/protocols.h"

static const fed_plugin_t *const protocol_entries[] = {
    &fed_protocol_rounds.plugin,
};

const fed_plugin_table_t fed_protocols = {
    .kind = "protocol",
    .key = "federated.protocol",
    .entries = protocol_entries,
    .count = sizeof protocol_entries / sizeof *protocol_entries,
};

fed_status_t fed_protocol_find(const fed_config_t *config, const fed_protocol_t **protocol) {
    return fed_config_choose(config, &fed_protocols, config->federated.protocol,
                             (const fed_plugin_t **)protocol);
}
