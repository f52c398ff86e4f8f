/* Shell completion: the scripts beside ask the program, so they know what it knows. */
#include "complete.h"

#include "fedmpi/cli/options.h"
#include "fedmpi/config/config.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/run/rooms.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void offer(const char *begun, const char *candidate) {
    if (begins(candidate, begun))
        puts(candidate);
}

static void offer_options(const char *begun) {
    for (size_t i = 0; i < fed_option_count; i++) {
        FED_AUTOFREE char *name = fed_format("--%s", fed_option_table[i].name);
        offer(begun, name);
    }
}

/* "mlp | cnn": each with the key before it. */
static void offer_choices(const char *begun, const char *dotted, const char *choices) {
    for (const char *at = choices; *at;) {
        size_t length = strcspn(at, " |");
        FED_AUTOFREE char *candidate = fed_format("%s=%.*s", dotted, (int)length, at);
        offer(begun, candidate);
        at += length;
        at += strspn(at, " |");
    }
}

static char *words_of(const fed_key_t *key) {
    if (key->plugins)
        return fed_plugin_names(key->plugins);
    bool listed = key->type == FED_KEY_BOOLEAN || key->type == FED_KEY_CHOICE;
    return listed ? fed_key_accepted(key) : fed_strdup(key->initial);
}

static void offer_values(const char *begun, const fed_key_t *key, const char *dotted) {
    FED_AUTOFREE char *words = words_of(key);
    offer_choices(begun, dotted, words);
}

static void offer_settings(const char *begun) {
    size_t name = strcspn(begun, "=");
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    for (size_t i = 0; i < config.count; i++) {
        const fed_config_value_t *value = &config.values[i];
        FED_AUTOFREE char *dotted = fed_format("%s.%s", value->section, value->key->name);
        if (begun[name] == '\0' && begins(dotted, begun))
            printf("%s=\n", dotted);
        else if (begun[name] == '=' && strlen(dotted) == name && begins(begun, dotted))
            offer_values(begun, value->key, dotted);
    }
    fed_config_fini(&config);
}

void fed_complete_print(const char *begun) {
    if (*begun == '-')
        offer_options(begun);
    else
        offer_settings(begun);
}
