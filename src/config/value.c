/* Values of keys: from text, compared, and what is accepted. */
#include "value.h"

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/number.h"
#include "fedmpi/core/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_DURATION_HOURS 100000

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
    int64_t parsed;
    if (!fed_number_integer(text, &parsed) || !in_range(key, (double)parsed))
        return false;
    *value = parsed;
    return true;
}

static bool parse_real(const fed_key_t *key, const char *text, double *value) {
    double parsed;
    if (!fed_number_real(text, &parsed) || !in_range(key, parsed))
        return false;
    *value = parsed;
    return true;
}

/* Two digits below 60, behind a colon. */
static bool is_sixtieth(const char *text) {
    return text[0] == ':' && text[1] >= '0' && text[1] <= '5' && isdigit((unsigned char)text[2]);
}

/* Seconds, or H:MM:SS. */
static bool parse_duration(const char *text, double *seconds) {
    size_t digits = strcspn(text, ":");
    FED_AUTOFREE char *first = fed_format("%.*s", (int)digits, text);
    int64_t count, most = LONGEST_DURATION_HOURS;
    const char *rest = text + digits;
    if (!fed_number_integer(first, &count) || count < 0 || count > (*rest ? most : most * 3600))
        return false;
    if (*rest) {
        if (!is_sixtieth(rest) || !is_sixtieth(rest + 3) || rest[6])
            return false;
        count = count * 3600 + strtol(rest + 1, NULL, 10) * 60 + strtol(rest + 4, NULL, 10);
    }
    *seconds = (double)count;
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

char *fed_value_next_item(char **rest) {
    char *item = strsep(rest, ",");
    while (item && isspace((unsigned char)*item))
        item++;
    for (size_t end = item ? strlen(item) : 0; end > 0 && isspace((unsigned char)item[end - 1]);)
        item[--end] = '\0';
    return item;
}

static bool parse_integers(const fed_key_t *key, const char *text, fed_list_t *list) {
    FED_AUTOFREE char *copy = fed_strdup(text);
    fed_list_t parsed = {FED_NEW_ARRAY(int64_t, strlen(text) / 2 + 1), 0};
    bool valid = true;
    for (char *rest = *text ? copy : NULL, *item; valid && (item = fed_value_next_item(&rest));) {
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

static bool has_plugin(const fed_names_t *names, const fed_plugin_t *plugin) {
    for (size_t i = 0; i < names->count; i++)
        if (names->plugins[i] == plugin)
            return true;
    return false;
}

static bool parse_names(const fed_key_t *key, const char *text, fed_names_t *names) {
    FED_AUTOFREE char *copy = fed_strdup(text);
    fed_names_t parsed = {FED_NEW_ARRAY(const fed_plugin_t *, key->plugins->count), 0};
    bool valid = true;
    for (char *rest = *text ? copy : NULL, *item; valid && (item = fed_value_next_item(&rest));) {
        const fed_plugin_t *found = fed_plugin_find(key->plugins, item);
        valid = found && !has_plugin(&parsed, found);
        if (valid)
            parsed.plugins[parsed.count++] = found;
    }
    if (!valid) {
        fed_free(parsed.plugins);
        return false;
    }
    fed_free(names->plugins);
    *names = parsed;
    return true;
}

static bool parse_name(const fed_key_t *key, const char *text, const fed_plugin_t **plugin) {
    const fed_plugin_t *found = fed_plugin_find(key->plugins, text);
    if (found)
        *plugin = found;
    return found;
}

/* Anything on one line: what fed_config_write could not write so that it reads back is refused,
 * and so is what is not UTF-8: results files hold it, and say that it is. */
static bool is_line(const char *text) {
    if (fed_utf8_wrong(text))
        return false;
    for (; *text; text++)
        if (iscntrl((unsigned char)*text) && *text != '\t')
            return false;
    return true;
}

static bool parse(const fed_key_t *key, const char *text, void *field) {
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
    case FED_KEY_NAMES:
        return parse_names(key, text, field);
    case FED_KEY_TEXT:
    case FED_KEY_PATH:
        return is_line(text);
    }
    return false;
}

static char *join_integers(const fed_list_t *list) {
    fed_text_t digits = {0};
    fed_text_append(&digits, "%s", "");
    for (size_t i = 0; i < list->count; i++)
        fed_text_append(&digits, "%s%lld", i ? "," : "", (long long)list->values[i]);
    return digits.chars;
}

static char *join_names(const fed_names_t *names) {
    fed_text_t text = {0};
    fed_text_append(&text, "%s", "");
    for (size_t i = 0; i < names->count; i++)
        fed_text_append(&text, "%s%s", i ? "," : "", names->plugins[i]->name);
    return text.chars;
}

/* Whoever reads the text of 1e3 finds 1000. */
static char *text_of(const fed_key_t *key, const char *text, const void *field) {
    switch (key->type) {
    case FED_KEY_INTEGER:
        return fed_format("%lld", (long long)*(const int64_t *)field);
    case FED_KEY_INTEGERS:
        return join_integers(field);
    case FED_KEY_NAMES:
        return join_names(field);
    default:
        return fed_strdup(text);
    }
}

char *fed_value_parse(const fed_key_t *key, const char *text, void *field) {
    if (!parse(key, text, field))
        return NULL;
    char *copy = text_of(key, text, field);
    if (key->type == FED_KEY_TEXT || key->type == FED_KEY_PATH)
        *(const char **)field = copy;
    return copy;
}

void fed_value_fini(const fed_key_t *key, void *field) {
    if (key->type == FED_KEY_INTEGERS)
        fed_free(((fed_list_t *)field)->values);
    if (key->type == FED_KEY_NAMES)
        fed_free(((fed_names_t *)field)->plugins);
}

static bool are_names_same(const fed_names_t *these, const fed_names_t *those) {
    return these->count == those->count &&
           memcmp(these->plugins, those->plugins, these->count * sizeof *these->plugins) == 0;
}

static bool are_integers_same(const fed_list_t *these, const fed_list_t *those) {
    return these->count == those->count &&
           memcmp(these->values, those->values, these->count * sizeof *these->values) == 0;
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
    case FED_KEY_NAMES:
        return are_names_same(left, right);
    case FED_KEY_INTEGERS:
        return are_integers_same(left, right);
    case FED_KEY_TEXT:
    case FED_KEY_PATH:
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

static char *accept_some(const fed_plugin_table_t *plugins) {
    FED_AUTOFREE char *names = fed_plugin_names(plugins);
    return fed_format("nothing, or some of %s with commas between", names);
}

static char *accept_path(const fed_plugin_table_t *named) {
    FED_AUTOFREE char *names = named ? fed_plugin_names(named) : NULL;
    return names ? fed_format("%s | a path", names) : fed_strdup("a path");
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
    case FED_KEY_NAMES:
        return accept_some(key->plugins);
    case FED_KEY_TEXT:
        return fed_strdup("text");
    case FED_KEY_PATH:
        return accept_path(key->plugins);
    }
    return fed_strdup("");
}
