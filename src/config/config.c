/* Values of the configuration: setting, checking, writing. */
#include "fedmpi/config/config.h"

#include "fedmpi/core/memory.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_DURATION_HOURS 100000
#define LONGEST_TEXT 150 /* inih reads lines of 200 characters */
#define LONGEST_BESIDE_HELP 40

static void *field_of(fed_config_t *config, const fed_config_key_t *key) {
    return (char *)config + key->offset;
}

/* "samples" in "samples | uniform": its position, or -1. */
static int position_in_choices(const char *choices, const char *word) {
    size_t length = strlen(word);
    int position = 0;
    for (const char *choice = choices; choice; position++) {
        const char *end = strstr(choice, " | ");
        if ((end ? (size_t)(end - choice) : strlen(choice)) == length &&
            strncmp(choice, word, length) == 0)
            return position;
        choice = end ? end + 3 : NULL;
    }
    return -1;
}

static bool in_range(const fed_config_key_t *key, double value) {
    return (key->above_minimum ? value > key->minimum : value >= key->minimum) &&
           value <= key->maximum;
}

static bool parse_integer(const fed_config_key_t *key, const char *text, int64_t *value) {
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno || end == text || *end || !in_range(key, (double)parsed))
        return false;
    *value = parsed;
    return true;
}

static bool parse_real(const fed_config_key_t *key, const char *text, double *value) {
    char *end;
    double parsed = strtod(text, &end);
    if (end == text || *end || !isfinite(parsed) || !in_range(key, parsed))
        return false;
    *value = parsed;
    return true;
}

/* Seconds, or H:MM:SS. */
static bool parse_duration(const char *text, double *seconds) {
    char *end;
    unsigned long hours = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || hours > LONGEST_DURATION_HOURS * 3600UL)
        return false;
    if (*end == '\0') {
        *seconds = (double)hours;
        return true;
    }
    /* behind the hours ":MM:SS" */
    if (hours > LONGEST_DURATION_HOURS || strlen(end) != 6 || end[0] != ':' || end[3] != ':' ||
        strspn(end + 1, "0123456789") != 2 || strspn(end + 4, "0123456789") != 2 || end[1] > '5' ||
        end[4] > '5')
        return false;
    unsigned long minutes = strtoul(end + 1, NULL, 10), rest = strtoul(end + 4, NULL, 10);
    *seconds = (double)(hours * 3600 + minutes * 60 + rest);
    return true;
}

static bool parse_boolean(const char *text, bool *value) {
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0) {
            *value = i % 2;
            return true;
        }
    return false;
}

static bool parse_integers(const fed_config_key_t *key, const char *text, fed_list_t *list) {
    FED_AUTOFREE char *copy = fed_strdup(text);
    fed_list_t parsed = {FED_NEW_ARRAY(int64_t, strlen(text) / 2 + 1), 0};
    bool valid = true;
    for (char *rest = copy, *item; *text && valid && (item = strsep(&rest, ","));) {
        while (isspace((unsigned char)*item))
            item++;
        for (size_t end = strlen(item); end > 0 && isspace((unsigned char)item[end - 1]);)
            item[--end] = '\0';
        valid = parse_integer(key, item, &parsed.values[parsed.count]);
        parsed.count += valid;
    }
    if (!valid) {
        fed_free(parsed.values);
        return false;
    }
    fed_free(list->values);
    *list = parsed;
    return true;
}

/* Parse into the field; false leaves it as it was. */
static bool parse_value(fed_config_t *config, const fed_config_key_t *key, char *text) {
    void *field = field_of(config, key);
    switch (key->type) {
    case FED_KEY_INTEGER:
        return parse_integer(key, text, field);
    case FED_KEY_REAL:
        return parse_real(key, text, field);
    case FED_KEY_BOOLEAN:
        return parse_boolean(text, field);
    case FED_KEY_DURATION:
        return parse_duration(text, field);
    case FED_KEY_INTEGERS:
        return parse_integers(key, text, field);
    case FED_KEY_CHOICE: {
        int position = position_in_choices(key->choices, text);
        if (position >= 0)
            *(int *)field = position;
        return position >= 0;
    }
    case FED_KEY_NAME:
    case FED_KEY_TEXT: /* what fed_config_write could not write so that it reads back is refused */
        if (strlen(text) > LONGEST_TEXT || strpbrk(text, "\r\n;"))
            return false;
        *(const char **)field = text;
        return true;
    }
    return false;
}

static fed_status_t set_value(fed_config_t *config, size_t index, const char *text,
                              const char *origin) {
    const fed_config_key_t *key = &fed_config_keys[index];
    char *copy = fed_strdup(text);
    if (!parse_value(config, key, copy)) {
        fed_free(copy);
        FED_AUTOFREE char *accepted = fed_config_accepted(key);
        return fed_fail(FED_INPUT, "%s: %s.%s = %s: accepted is %s", origin ? origin : "default",
                        key->section, key->name, *text ? text : "(nothing)", accepted);
    }
    fed_config_value_t *value = &config->values[index];
    fed_free(value->text);
    fed_free(value->origin);
    *value = (fed_config_value_t){copy, origin ? fed_strdup(origin) : NULL};
    return FED_OK;
}

void fed_config_init(fed_config_t *config) {
    *config = (fed_config_t){.values = FED_NEW_ARRAY(fed_config_value_t, fed_config_key_count)};
    for (size_t i = 0; i < fed_config_key_count; i++)
        if (set_value(config, i, fed_config_keys[i].initial, NULL) != FED_OK)
            fed_die("default of %s.%s is not valid: %s", fed_config_keys[i].section,
                    fed_config_keys[i].name, fed_error_message());
}

void fed_config_fini(fed_config_t *config) {
    for (size_t i = 0; i < fed_config_key_count; i++) {
        fed_free(config->values[i].text);
        fed_free(config->values[i].origin);
        if (fed_config_keys[i].type == FED_KEY_INTEGERS)
            fed_free(((fed_list_t *)field_of(config, &fed_config_keys[i]))->values);
    }
    fed_free(config->values);
    *config = (fed_config_t){0};
}

bool fed_config_same(const fed_config_t *a, const fed_config_t *b, size_t index) {
    const fed_config_key_t *key = &fed_config_keys[index];
    const void *left = (const char *)a + key->offset, *right = (const char *)b + key->offset;
    switch (key->type) {
    case FED_KEY_INTEGER:
        return *(const int64_t *)left == *(const int64_t *)right;
    case FED_KEY_REAL:
    case FED_KEY_DURATION:
        return *(const double *)left == *(const double *)right;
    case FED_KEY_BOOLEAN:
        return *(const bool *)left == *(const bool *)right;
    case FED_KEY_CHOICE:
        return *(const int *)left == *(const int *)right;
    case FED_KEY_INTEGERS: {
        const fed_list_t *these = left, *those = right;
        return these->count == those->count &&
               memcmp(these->values, those->values, these->count * sizeof *these->values) == 0;
    }
    case FED_KEY_NAME:
    case FED_KEY_TEXT:
        return strcmp(a->values[index].text, b->values[index].text) == 0;
    }
    return false;
}

/* "unknown section [trainig]; did you mean [training]?" */
static fed_status_t fail_unknown(const char *section, const char *name, const char *origin) {
    FED_AUTOFREE const char **words = FED_NEW_ARRAY(const char *, fed_config_key_count);
    size_t keys_here = 0;
    for (size_t i = 0; i < fed_config_key_count; i++)
        if (strcmp(fed_config_keys[i].section, section) == 0)
            words[keys_here++] = fed_config_keys[i].name;
    if (keys_here > 0) {
        const char *nearest = fed_text_nearest(name, words, keys_here);
        fed_text_t all = {0};
        for (size_t i = 0; i < keys_here; i++)
            fed_text_append(&all, "%s%s", i ? ", " : "", words[i]);
        fed_fail(FED_INPUT, "%s: unknown key %s.%s; %s%s%s[%s] has %s", origin, section, name,
                 nearest ? "did you mean " : "", nearest ? nearest : "", nearest ? "? " : "",
                 section, all.chars);
        fed_text_fini(&all);
        return FED_INPUT;
    }
    fed_text_t all = {0};
    size_t sections = 0;
    for (size_t i = 0; i < fed_config_key_count; i++)
        if (i == 0 || strcmp(fed_config_keys[i].section, fed_config_keys[i - 1].section) != 0) {
            words[sections++] = fed_config_keys[i].section;
            fed_text_append(&all, "%s[%s]", i ? ", " : "", fed_config_keys[i].section);
        }
    const char *nearest = fed_text_nearest(section, words, sections);
    fed_fail(FED_INPUT, "%s: unknown section [%s] (key %s); %s%s%ssections are %s", origin, section,
             name, nearest ? "did you mean [" : "", nearest ? nearest : "", nearest ? "]? " : "",
             all.chars);
    fed_text_fini(&all);
    return FED_INPUT;
}

fed_status_t fed_config_set(fed_config_t *config, const char *section, const char *name,
                            const char *text, const char *origin) {
    for (size_t i = 0; i < fed_config_key_count; i++)
        if (strcmp(fed_config_keys[i].section, section) == 0 &&
            strcmp(fed_config_keys[i].name, name) == 0)
            return set_value(config, i, text, origin);
    return fail_unknown(section, name, origin);
}

fed_status_t fed_config_override(fed_config_t *config, const char *assignment) {
    const char *dot = strchr(assignment, '.');
    const char *equals = strchr(assignment, '=');
    if (!dot || !equals || dot > equals)
        return fed_fail(FED_INPUT, "--set %s: accepted is SECTION.KEY=VALUE", assignment);
    FED_AUTOFREE char *section = fed_format("%.*s", (int)(dot - assignment), assignment);
    FED_AUTOFREE char *name = fed_format("%.*s", (int)(equals - dot - 1), dot + 1);
    return fed_config_set(config, section, name, equals + 1, "--set");
}

void fed_config_write(const fed_config_t *config, bool comments, fed_text_t *ini) {
    for (size_t i = 0; i < fed_config_key_count; i++) {
        const fed_config_key_t *key = &fed_config_keys[i];
        if (i == 0 || strcmp(key->section, key[-1].section) != 0)
            fed_text_append(ini, "%s[%s]\n", i ? "\n" : "", key->section);
        const char *text = config->values[i].text;
        bool beside = strlen(text) < LONGEST_BESIDE_HELP; /* else the line becomes too long */
        if (comments && !beside)
            fed_text_append(ini, "; %s\n", key->help);
        if (comments && beside)
            fed_text_append(ini, "%s = %-*s ; %s\n", key->name, 32 - (int)strlen(key->name), text,
                            key->help);
        else
            fed_text_append(ini, "%s = %s\n", key->name, text);
    }
}

size_t fed_config_index(const char *dotted) {
    for (size_t i = 0; i < fed_config_key_count; i++) {
        const fed_config_key_t *key = &fed_config_keys[i];
        size_t section_length = strlen(key->section);
        if (strncmp(dotted, key->section, section_length) == 0 && dotted[section_length] == '.' &&
            strcmp(dotted + section_length + 1, key->name) == 0)
            return i;
    }
    fed_die("there is no configuration key '%s'", dotted);
}

fed_status_t fed_config_fail(const fed_config_t *config, const char *dotted, const char *format,
                             ...) {
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const fed_config_value_t *value = &config->values[fed_config_index(dotted)];
    return fed_fail(FED_INPUT, "%s: %s = %s: %s", value->origin ? value->origin : "default", dotted,
                    *value->text ? value->text : "(nothing)", message);
}

fed_status_t fed_config_choose(const fed_config_t *config, const fed_plugin_table_t *table,
                               const char *name, const fed_plugin_t **entry) {
    *entry = fed_plugin_find(table, name);
    if (*entry)
        return FED_OK;
    FED_AUTOFREE char *names = fed_plugin_names(table);
    return fed_config_fail(config, table->key, "accepted is %s", names);
}

char *fed_config_accepted(const fed_config_key_t *key) {
    switch (key->type) {
    case FED_KEY_INTEGER:
        return fed_format("an integer from %.0f to %.0f", key->minimum, key->maximum);
    case FED_KEY_INTEGERS:
        return fed_format("integers from %.0f to %.0f with commas between", key->minimum,
                          key->maximum);
    case FED_KEY_REAL:
        return fed_format("a number %s %g and <= %g", key->above_minimum ? ">" : ">=", key->minimum,
                          key->maximum);
    case FED_KEY_BOOLEAN:
    case FED_KEY_CHOICE:
        return fed_strdup(key->choices);
    case FED_KEY_DURATION:
        return fed_format("whole seconds, or hours as H:MM:SS, up to %d hours",
                          LONGEST_DURATION_HOURS);
    case FED_KEY_NAME:
        return fed_strdup("a name that --list shows");
    case FED_KEY_TEXT:
        return fed_format("text of at most %d characters without ;", LONGEST_TEXT);
    }
    return fed_strdup("");
}
