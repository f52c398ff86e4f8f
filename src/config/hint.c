/* What a user may have meant. */
#include "hint.h"
#include "value.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- Sections and keys ------------------------------------------------------------------- */

/* "[experiment], [data], ...". @param words  [config->count]; filled, their number returned */
static size_t list_sections(const fed_config_t *config, const char **words, fed_text_t *all) {
    size_t count = 0;
    for (size_t i = 0; i < config->count; i++)
        if (fed_config_starts_section(config, i)) {
            fed_text_append(all, "%s[%s]", count ? ", " : "", config->values[i].section);
            words[count++] = config->values[i].section;
        }
    return count;
}

static size_t list_keys(const fed_config_t *config, const char *section, const char **words,
                        fed_text_t *all) {
    size_t count = 0;
    for (size_t i = 0; i < config->count; i++)
        if (strcmp(config->values[i].section, section) == 0) {
            fed_text_append(all, "%s%s", count ? ", " : "", config->values[i].key->name);
            words[count++] = config->values[i].key->name;
        }
    return count;
}

static bool has_section(const fed_config_t *config, const char *section) {
    for (size_t i = 0; i < config->count; i++)
        if (strcmp(config->values[i].section, section) == 0)
            return true;
    return false;
}

/* @param key  with it, " (key epochs)"; or "" */
static fed_status_t fail_section(const fed_config_t *config, const char *section, const char *key,
                                 const char *origin) {
    FED_AUTOFREE const char **words = FED_NEW_ARRAY(const char *, config->count);
    fed_text_t all = {0};
    const char *nearest = fed_text_nearest(section, words, list_sections(config, words, &all));
    fed_fail(FED_INPUT, "%s: unknown section [%s]%s; %s%s%ssections are %s", origin, section, key,
             nearest ? "did you mean [" : "", nearest ? nearest : "", nearest ? "]? " : "",
             all.chars);
    fed_text_fini(&all);
    return FED_INPUT;
}

fed_status_t fed_hint_check_section(const fed_config_t *config, const char *section,
                                    const char *origin) {
    return has_section(config, section) ? FED_OK : fail_section(config, section, "", origin);
}

char *fed_config_homes(const fed_config_t *config, const char *name, const char *before,
                       const char *behind) {
    fed_text_t homes = {0};
    for (size_t i = 0; i < config->count; i++)
        if (strcmp(config->values[i].key->name, name) == 0)
            fed_text_append(&homes, "%s%s%s.%s%s", homes.length ? " or " : "", before,
                            config->values[i].section, name, behind);
    return homes.chars;
}

static fed_status_t fail_key(const fed_config_t *config, const char *section, const char *name,
                             const char *origin) {
    FED_AUTOFREE const char **words = FED_NEW_ARRAY(const char *, config->count);
    fed_text_t all = {0};
    size_t count = list_keys(config, section, words, &all);
    FED_AUTOFREE char *elsewhere = fed_config_homes(config, name, "", "");
    const char *nearest = elsewhere ? elsewhere : fed_text_nearest(name, words, count);
    fed_fail(FED_INPUT, "%s: unknown key %s.%s; %s%s%s[%s] has %s", origin, section, name,
             nearest ? "did you mean " : "", nearest ? nearest : "", nearest ? "? " : "", section,
             all.chars);
    fed_text_fini(&all);
    return FED_INPUT;
}

fed_status_t fed_hint_fail_unknown(const fed_config_t *config, const char *section,
                                   const char *name, const char *origin) {
    if (has_section(config, section))
        return fail_key(config, section, name, origin);
    FED_AUTOFREE char *key = fed_format(" (key %s)", name);
    return fail_section(config, section, key, origin);
}

fed_status_t fed_hint_fail_override(const fed_config_t *config, const char *assignment) {
    size_t length = strcspn(assignment, "=");
    FED_AUTOFREE char *name = fed_format("%.*s", (int)length, assignment);
    FED_AUTOFREE char *homes = fed_config_homes(config, name, "--set ", assignment + length);
    return fed_fail(FED_INPUT, "--set %s: accepted is SECTION.KEY=VALUE%s%s%s", assignment,
                    homes ? "; did you mean " : "", homes ? homes : "", homes ? "?" : "");
}

fed_status_t fed_hint_fail_homeless(const fed_config_t *config, const char *name,
                                    const char *origin) {
    FED_AUTOFREE char *homes = fed_config_homes(config, name, "", "");
    return fed_fail(FED_INPUT, "%s: key %s stands before the first [section]%s%s%s", origin, name,
                    homes ? "; did you mean " : "", homes ? homes : "", homes ? "?" : "");
}

/* --- Values ------------------------------------------------------------------------------ */

/* A variant's published name may begin its summary: "FedAdam (Reddi et al. 2021)". */
static bool is_called(const fed_plugin_t *plugin, const char *word) {
    size_t length = strlen(word);
    return strcasecmp(plugin->name, word) == 0 ||
           (isupper((unsigned char)*plugin->summary) &&
            strncasecmp(plugin->summary, word, length) == 0 &&
            !isalnum((unsigned char)plugin->summary[length]));
}

static const fed_plugin_t *find_called(const fed_plugin_table_t *table, const char *word) {
    for (size_t i = 0; i < table->count; i++)
        if (is_called(table->entries[i], word))
            return table->entries[i];
    return NULL;
}

/* A variant of another kind: "; that is a server optimizer: federated.server_optimizer = adam". */
static char *find_elsewhere(const fed_config_t *config, const char *word) {
    for (size_t i = 0; i < config->count; i++) {
        const fed_config_value_t *value = &config->values[i];
        const fed_plugin_t *found =
            value->key->plugins ? find_called(value->key->plugins, word) : NULL;
        if (found)
            return fed_format("; %s is %s %s: %s.%s = %s", word,
                              strchr("aeiou", *value->key->plugins->kind) ? "an" : "a",
                              value->key->plugins->kind, value->section, value->key->name,
                              found->name);
    }
    return NULL;
}

static char *did_you_mean(const char *word) {
    return word ? fed_format("; did you mean %s?", word) : fed_strdup("");
}

static char *hint_for_name(const fed_config_t *config, const fed_plugin_table_t *table,
                           const char *text) {
    const fed_plugin_t *found = find_called(table, text);
    if (found)
        return did_you_mean(found->name);
    char *elsewhere = find_elsewhere(config, text);
    if (elsewhere)
        return elsewhere;
    FED_AUTOFREE const char **words = FED_NEW_ARRAY(const char *, table->count);
    for (size_t i = 0; i < table->count; i++)
        words[i] = table->entries[i]->name;
    return did_you_mean(fed_text_nearest(text, words, table->count));
}

/* For the first that is no name. */
static char *hint_for_names(const fed_config_t *config, const fed_plugin_table_t *table,
                            const char *text) {
    FED_AUTOFREE char *copy = fed_strdup(text);
    for (char *rest = copy, *item; (item = fed_value_next_item(&rest));)
        if (!fed_plugin_find(table, item))
            return hint_for_name(config, table, item);
    return fed_strdup("; each once");
}

static char *hint_for_choice(const char *const *choices, const char *text) {
    size_t count = 0;
    while (choices[count])
        count++;
    return did_you_mean(fed_text_nearest(text, choices, count));
}

static char *hint_for_number(const fed_key_t *key, const char *text) {
    const char *digits = text + (*text == '-' || *text == '+');
    char *end;
    long long decimal = strtoll(text, &end, 16);
    if (strncasecmp(digits, "0x", 2) == 0 && end > digits + 2 && !*end)
        return fed_format("; hexadecimal %s is %lld", text, decimal);
    if (key->type == FED_KEY_REAL && strchr(text, ','))
        return fed_strdup("; decimals stand behind a point");
    if (key->type == FED_KEY_INTEGERS && strpbrk(text, "[](){}"))
        return fed_strdup("; without brackets");
    return fed_strdup("");
}

static char *hint_for_text(const char *text) {
    const char *wrong = fed_utf8_wrong(text);
    if (!wrong)
        return fed_strdup("");
    return fed_format("; the byte 0x%02x there is not UTF-8", (unsigned char)*wrong);
}

char *fed_hint_for_value(const fed_config_t *config, const fed_key_t *key, const char *text) {
    static const char *const booleans[] = {"true", "false", NULL};
    switch (key->type) {
    case FED_KEY_NAME:
        return hint_for_name(config, key->plugins, text);
    case FED_KEY_NAMES:
        return hint_for_names(config, key->plugins, text);
    case FED_KEY_CHOICE:
        return hint_for_choice(key->choices, text);
    case FED_KEY_BOOLEAN:
        return hint_for_choice(booleans, text);
    case FED_KEY_INTEGER:
    case FED_KEY_REAL:
    case FED_KEY_INTEGERS:
    case FED_KEY_DURATION:
        return hint_for_number(key, text);
    case FED_KEY_TEXT:
    case FED_KEY_PATH:
        return hint_for_text(text);
    }
    return fed_strdup("");
}
