/* Shell completion: the scripts beside ask the program, so they know what it knows. */
#include "complete.h"

#include "fedmpi/cli/answer.h"
#include "fedmpi/cli/options.h"
#include "fedmpi/config/config.h"
#include "fedmpi/core/memory.h"

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

static void offer_values(const char *begun, const fed_config_key_t *key, const char *dotted) {
    const fed_plugin_table_t *table = fed_variant_table_of(dotted);
    FED_AUTOFREE char *names = table ? fed_plugin_names(table) : NULL;
    if (table || key->choices)
        offer_choices(begun, dotted, table ? names : key->choices);
    else
        offer_choices(begun, dotted, key->initial);
}

void fed_complete_print(const char *begun) {
    if (*begun == '-') {
        offer_options(begun);
        return;
    }
    size_t name = strcspn(begun, "=");
    for (size_t i = 0; i < fed_config_key_count; i++) {
        const fed_config_key_t *key = &fed_config_keys[i];
        FED_AUTOFREE char *dotted = fed_format("%s.%s", key->section, key->name);
        if (begun[name] == '\0' && begins(dotted, begun))
            printf("%s=\n", dotted);
        else if (begun[name] == '=' && strlen(dotted) == name && begins(begun, dotted))
            offer_values(begun, key, dotted);
    }
}
