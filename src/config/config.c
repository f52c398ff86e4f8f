/* The configuration: its keys in order, and their values. */
#include "fedmpi/config/config.h"

#include "fedmpi/config/ini.h"
#include "fedmpi/core/memory.h"
#include "hint.h"
#include "value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_BESIDE_HELP 40

/* --- All keys ---------------------------------------------------------------------------- */

static bool has_group(const fed_config_t *config, const fed_key_group_t *group) {
    for (size_t i = 0; i < config->group_count; i++)
        if (config->groups[i].keys == group)
            return true;
    return false;
}

static void add_group(fed_config_t *config, const fed_key_group_t *group);

static void add_plugins(fed_config_t *config, const fed_plugin_table_t *table) {
    for (size_t i = 0; i < table->count; i++)
        for (size_t g = 0; g < FED_MOST_KEY_GROUPS; g++)
            if (table->entries[i]->keys[g] && !has_group(config, table->entries[i]->keys[g]))
                add_group(config, table->entries[i]->keys[g]);
}

static void add_key(fed_config_t *config, const fed_key_group_t *group, const fed_key_t *key,
                    char *options) {
    config->values =
        fed_grow(config->values, config->count, config->count + 1, sizeof *config->values);
    config->values[config->count++] = (fed_config_value_t){
        .section = group->section, .group = group, .key = key, .field = options + key->offset};
}

/* Keys of a plug-in stand behind the first key that may choose it. */
static void add_group(fed_config_t *config, const fed_key_group_t *group) {
    char *options = fed_alloc(group->options_bytes, 1);
    config->groups = fed_grow(config->groups, config->group_count, config->group_count + 1,
                              sizeof *config->groups);
    config->groups[config->group_count++] = (fed_config_group_t){group, options};
    for (size_t i = 0; i < group->count; i++) {
        add_key(config, group, &group->keys[i], options);
        if (group->keys[i].plugins)
            add_plugins(config, group->keys[i].plugins);
    }
}

/* Several groups share a section: bring its keys together, in the order in which they came. */
static void sort_by_section(fed_config_t *config) {
    for (size_t i = 1; i < config->count; i++) {
        size_t to = i;
        while (to > 0 && strcmp(config->values[to - 1].section, config->values[i].section) != 0)
            to--;
        if (to == 0) /* a new section */
            continue;
        fed_config_value_t moved = config->values[i];
        memmove(&config->values[to + 1], &config->values[to], (i - to) * sizeof moved);
        config->values[to] = moved;
    }
}

static fed_status_t refuse(const fed_config_t *config, const fed_config_value_t *value,
                           const char *text, const char *origin) {
    FED_AUTOFREE char *accepted = fed_key_accepted(value->key);
    FED_AUTOFREE char *hint = fed_hint_for_value(config, value->key, text);
    FED_AUTOFREE char *shown = fed_text_shown(text);
    return fed_fail(FED_INPUT, "%s: %s.%s = %s: accepted is %s%s", origin ? origin : "default",
                    value->section, value->key->name, shown, accepted, hint);
}

static fed_status_t set_value(const fed_config_t *config, fed_config_value_t *value,
                              const char *text, const char *origin) {
    char *copy = fed_value_parse(value->key, text, value->field);
    if (!copy)
        return refuse(config, value, text, origin);
    fed_free(value->text);
    fed_free(value->origin);
    value->text = copy;
    value->origin = origin ? fed_strdup(origin) : NULL;
    return FED_OK;
}

void fed_config_init(fed_config_t *config, const fed_key_group_t *const *rooms) {
    *config = (fed_config_t){.rooms = rooms};
    for (; *rooms; rooms++)
        add_group(config, *rooms);
    sort_by_section(config);
    for (size_t i = 0; i < config->count; i++)
        if (set_value(config, &config->values[i], config->values[i].key->initial, NULL) != FED_OK)
            fed_die("%s", fed_error_message());
}

void fed_config_fini(fed_config_t *config) {
    for (size_t i = 0; i < config->count; i++) {
        fed_value_fini(config->values[i].key, config->values[i].field);
        fed_free(config->values[i].text);
        fed_free(config->values[i].origin);
    }
    for (size_t i = 0; i < config->group_count; i++)
        fed_free(config->groups[i].options);
    fed_free(config->values);
    fed_free(config->groups);
    *config = (fed_config_t){0};
}

const void *fed_config_options(const fed_config_t *config, const fed_key_group_t *group) {
    for (size_t i = 0; i < config->group_count; i++)
        if (config->groups[i].keys == group)
            return config->groups[i].options;
    fed_die("keys of [%s], first %s, are not among the configuration's", group->section,
            group->keys->name);
}

/* --- Looking up -------------------------------------------------------------------------- */

static fed_config_value_t *look_up(const fed_config_t *config, const char *section,
                                   const char *name) {
    for (size_t i = 0; i < config->count; i++)
        if (strcmp(config->values[i].section, section) == 0 &&
            strcmp(config->values[i].key->name, name) == 0)
            return &config->values[i];
    return NULL;
}

bool fed_config_is_path(const fed_config_t *config, const char *section, const char *name) {
    const fed_config_value_t *value = look_up(config, section, name);
    return value && value->key->type == FED_KEY_PATH;
}

const fed_config_value_t *fed_config_value(const fed_config_t *config, const char *dotted) {
    const char *dot = strchr(dotted, '.');
    FED_AUTOFREE char *section = fed_format("%.*s", dot ? (int)(dot - dotted) : 0, dotted);
    const fed_config_value_t *value = look_up(config, section, dot ? dot + 1 : dotted);
    if (!value)
        fed_die("there is no configuration key '%s'", dotted);
    return value;
}

/* --- Setting and writing ----------------------------------------------------------------- */

fed_status_t fed_config_set(fed_config_t *config, const char *section, const char *name,
                            const char *text, const char *origin) {
    fed_config_value_t *value = look_up(config, section, name);
    return value ? set_value(config, value, text, origin)
                 : fed_hint_fail_unknown(config, section, name, origin);
}

static void write_key(const fed_config_value_t *value, bool comments, fed_text_t *ini) {
    const char *name = value->key->name;
    fed_text_t text = {0};
    fed_ini_append_value(&text, value->text, value->key->type == FED_KEY_PATH);
    bool beside = text.length < LONGEST_BESIDE_HELP; /* else the line becomes too long */
    if (comments && !beside)
        fed_text_append(ini, "; %s\n", value->key->help);
    if (comments && beside)
        fed_text_append(ini, "%s = %-*s ; %s\n", name, 32 - (int)strlen(name), text.chars,
                        value->key->help);
    else
        fed_text_append(ini, "%s = %s\n", name, text.chars);
    fed_text_fini(&text);
}

void fed_config_write(const fed_config_t *config, bool comments, fed_text_t *ini) {
    for (size_t i = 0; i < config->count; i++) {
        if (fed_config_starts_section(config, i))
            fed_text_append(ini, "%s[%s]\n", i ? "\n" : "", config->values[i].section);
        write_key(&config->values[i], comments, ini);
    }
}

void fed_config_write_origins(const fed_config_t *config, fed_text_t *origins) {
    for (size_t i = 0; i < config->count; i++)
        fed_text_append(origins, "%s\n", config->values[i].origin ? config->values[i].origin : "");
}

void fed_config_read_origins(fed_config_t *config, const char *origins) {
    for (size_t i = 0; i < config->count && *origins; i++) {
        size_t length = strcspn(origins, "\n");
        fed_free(config->values[i].origin);
        config->values[i].origin = length ? fed_format("%.*s", (int)length, origins) : NULL;
        origins += length + (origins[length] == '\n');
    }
}

bool fed_config_same(const fed_config_t *a, const fed_config_t *b, size_t i) {
    return fed_value_same(a->values[i].key, a->values[i].field, b->values[i].field);
}

fed_status_t fed_config_fail(const fed_config_t *config, const char *dotted, const char *format,
                             ...) {
    char message[FED_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const fed_config_value_t *value = fed_config_value(config, dotted);
    FED_AUTOFREE char *shown = fed_text_shown(value->text);
    return fed_fail(FED_INPUT, "%s: %s = %s: %s", value->origin ? value->origin : "default", dotted,
                    shown, message);
}

/* --- Which keys the run uses ------------------------------------------------------------- */

static bool is_room(const fed_config_t *config, const fed_key_group_t *group) {
    for (const fed_key_group_t *const *room = config->rooms; *room; room++)
        if (*room == group)
            return true;
    return false;
}

/* The i-th that the value names; NULL behind the last. */
static const fed_plugin_t *plugin_of(const fed_config_value_t *value, size_t i) {
    const fed_names_t *names = value->field;
    if (value->key->type == FED_KEY_NAMES)
        return i < names->count ? names->plugins[i] : NULL;
    if (value->key->type == FED_KEY_NAME && i == 0)
        return *(const fed_plugin_t *const *)value->field;
    if (value->key->type == FED_KEY_PATH && value->key->plugins && i == 0)
        return fed_plugin_find(value->key->plugins, value->text);
    return NULL;
}

static bool names_user_of(const fed_config_value_t *value, const fed_key_group_t *group) {
    const fed_plugin_t *chosen;
    for (size_t i = 0; (chosen = plugin_of(value, i)); i++)
        if (fed_plugin_uses(chosen, group))
            return true;
    return false;
}

bool fed_config_uses(const fed_config_t *config, const fed_key_group_t *group) {
    if (is_room(config, group))
        return true;
    for (size_t i = 0; i < config->count; i++)
        if (names_user_of(&config->values[i], group) &&
            fed_config_uses(config, config->values[i].group))
            return true;
    return false;
}

const fed_plugin_t *fed_config_chosen(const fed_config_t *config, const fed_config_value_t *value,
                                      size_t i) {
    return fed_config_uses(config, value->group) ? plugin_of(value, i) : NULL;
}

char *fed_config_users(const fed_config_t *config, const fed_key_group_t *group) {
    fed_text_t users = {0};
    for (size_t i = 0; i < config->count; i++) {
        const fed_config_value_t *value = &config->values[i];
        const fed_plugin_table_t *table = value->key->plugins;
        bool first = true;
        for (size_t p = 0; table && p < table->count; p++)
            if (fed_plugin_uses(table->entries[p], group)) {
                if (first)
                    fed_text_append(&users, "%s%s.%s = ", users.length ? ", or " : "",
                                    value->section, value->key->name);
                fed_text_append(&users, "%s%s", first ? "" : " | ", table->entries[p]->name);
                first = false;
            }
    }
    return users.chars ? users.chars : fed_strdup("");
}
