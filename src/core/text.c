/* Growing strings, edit distance, human-readable sizes. */
#include "fedmpi/core/text.h"

#include "fedmpi/core/error.h"
#include "fedmpi/core/memory.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_SHOWN 1000 /* paths are shorter */
#define SHOWN_OF_LONG 60   /* at each end */

void fed_text_append(fed_text_t *text, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int added = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (added < 0)
        fed_die("cannot format '%s'", format);
    size_t needed = text->length + (size_t)added + 1;
    if (needed > text->capacity) {
        size_t capacity = 2 * needed;
        text->chars = fed_grow(text->chars, text->length + 1, capacity, 1);
        text->capacity = capacity;
    }
    vsnprintf(text->chars + text->length, (size_t)added + 1, format, again);
    va_end(again);
    text->length += (size_t)added;
}

void fed_text_fini(fed_text_t *text) {
    fed_free(text->chars);
    *text = (fed_text_t){0};
}

size_t fed_text_distance(const char *a, const char *b) {
    size_t length_a = strlen(a), length_b = strlen(b);
    FED_AUTOFREE size_t *cost = FED_NEW_ARRAY(size_t, length_b + 1);
    for (size_t j = 0; j <= length_b; j++)
        cost[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t diagonal = cost[0];
        cost[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (cost[j] + 1 < best)
                best = cost[j] + 1;
            if (cost[j - 1] + 1 < best)
                best = cost[j - 1] + 1;
            diagonal = cost[j];
            cost[j] = best;
        }
    }
    return cost[length_b];
}

static char *lower(const char *word) {
    char *copy = fed_strdup(word);
    for (char *at = copy; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return copy;
}

const char *fed_text_nearest(const char *word, const char *const *words, size_t count) {
    FED_AUTOFREE char *wanted = lower(word);
    const char *nearest = NULL;
    size_t smallest = strlen(word) / 2 + 1; /* farther than that is another word */
    for (size_t i = 0; i < count; i++) {
        FED_AUTOFREE char *known = lower(words[i]);
        size_t distance = fed_text_distance(wanted, known);
        if (distance < smallest) {
            smallest = distance;
            nearest = words[i];
        }
    }
    return nearest;
}

char *fed_text_shown(const char *value) {
    size_t length = strlen(value);
    if (length == 0)
        return fed_strdup("(nothing)");
    if (length <= LONGEST_SHOWN)
        return fed_strdup(value);
    return fed_format("%.*s ... %s (%zu characters)", SHOWN_OF_LONG, value,
                      value + length - SHOWN_OF_LONG, length);
}

void fed_text_bytes(char text[16], double bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    size_t unit = 0;
    for (; bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1000;
    snprintf(text, 16, "%.*f %s", unit > 0 && bytes < 9.95 ? 1 : 0, bytes, units[unit]);
}
