/* Values of keys: from text, compared, and what is accepted. */
#include "value.h"

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/core/memory.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_DURATION_HOURS 100000
#define LONGEST_TEXT 150 /* inih reads lines of 200 characters */

static int position_of(const char *const *choices, const char *word) {
    for (int i = 0; choices[i]; i++)
        if (strcmp(choices[i], word) == 0)
            return i;
    return -1;
}

static bool in_range(const fed_key_t *key, double value) {
    return (key->above_minimum ? value > key->minimum : value >= key->minimum) &&
           value <= key->maximum;
}

static bool parse_integer(const fed_key_t *key, const char *text, int64_t *value) {
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno || end == text || *end || !in_range(key, (double)parsed))
        return false;
    *value = parsed;
    return true;
}

static bool parse_real(const fed_key_t *key, const char *text, double *value) {
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

static bool parse_integers(const fed_key_t *key, const char *text, fed_list_t *list) {
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

static bool parse_name(const fed_key_t *key, const char *text, const fed_plugin_t **plugin) {
    const fed_plugin_t *found = fed_plugin_find(key->plugins, text);
    if (found)
        *plugin = found;
    return found;
}

bool fed_value_parse(const fed_key_t *key, char *text, void *field) {
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
        int position = position_of(key->choices, text);
        if (position >= 0)
            *(int *)field = position;
        return position >= 0;
    }
    case FED_KEY_NAME:
        return parse_name(key, text, field);
    case FED_KEY_TEXT: /* what fed_config_write could not write so that it reads back is refused */
        if (strlen(text) > LONGEST_TEXT || strpbrk(text, "\r\n;"))
            return false;
        *(const char **)field = text;
        return true;
    }
    return false;
}

void fed_value_fini(const fed_key_t *key, void *field) {
    if (key->type == FED_KEY_INTEGERS)
        fed_free(((fed_list_t *)field)->values);
}

bool fed_value_same(const fed_key_t *key, const void *left, const void *right) {
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
    case FED_KEY_NAME:
        return *(const fed_plugin_t *const *)left == *(const fed_plugin_t *const *)right;
    case FED_KEY_INTEGERS: {
        const fed_list_t *these = left, *those = right;
        return these->count == those->count &&
               memcmp(these->values, those->values, these->count * sizeof *these->values) == 0;
    }
    case FED_KEY_TEXT:
        return strcmp(*(const char *const *)left, *(const char *const *)right) == 0;
    }
    return false;
}

static char *join(const char *const *words) {
    fed_text_t text = {0};
    for (size_t i = 0; words[i]; i++)
        fed_text_append(&text, "%s%s", i ? " | " : "", words[i]);
    return text.chars;
}

char *fed_key_accepted(const fed_key_t *key) {
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
        return fed_strdup("true | false");
    case FED_KEY_CHOICE:
        return join(key->choices);
    case FED_KEY_DURATION:
        return fed_format("whole seconds, or hours as H:MM:SS, up to %d hours",
                          LONGEST_DURATION_HOURS);
    case FED_KEY_NAME:
        return fed_plugin_names(key->plugins);
    case FED_KEY_TEXT:
        return fed_format("text of at most %d characters without ;", LONGEST_TEXT);
    }
    return fed_strdup("");
}
