/* Look-up in tables of named variants. */
#include "fedmpi/config/plugin.h"

#include "fedmpi/core/text.h"

#include <string.h>

const fed_plugin_t *fed_plugin_find(const fed_plugin_table_t *table, const char *name) {
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->entries[i]->name, name) == 0)
            return table->entries[i];
    return NULL;
}

bool fed_plugin_uses(const fed_plugin_t *plugin, const fed_key_group_t *group) {
    for (size_t i = 0; i < FED_MOST_KEY_GROUPS; i++)
        if (plugin->keys[i] == group)
            return true;
    return false;
}

char *fed_plugin_names(const fed_plugin_table_t *table) {
    fed_text_t names = {0};
    for (size_t i = 0; i < table->count; i++)
        fed_text_append(&names, "%s%s", i ? " | " : "", table->entries[i]->name);
    return names.chars;
}
