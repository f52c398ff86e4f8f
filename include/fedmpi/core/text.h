/** Small text helpers. */
#ifndef FEDMPI_CORE_TEXT_H
#define FEDMPI_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/** A word that is said somewhere, and what it means. */
typedef struct fed_fact {
    const char *name, *meaning;
} fed_fact_t;

/** A string that grows; start from {0}, end with fed_text_fini. */
typedef struct fed_text {
    char *chars; /**< zero-terminated, never NULL after the first append */
    size_t length;
    size_t capacity;
} fed_text_t;

void fed_text_append(fed_text_t *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void fed_text_fini(fed_text_t *text);

/** Edits (insert, delete, replace one character) between two words: Levenshtein's distance. */
size_t fed_text_distance(const char *a, const char *b);

/** The word nearest to `word`, in which case does not count; NULL if none is near enough to be a
 * slip of the pen. */
const char *fed_text_nearest(const char *word, const char *const *words, size_t count);

/** A value for messages: "(nothing)" if it is empty, and where it is very long its beginning and
 * end. The caller frees it. */
char *fed_text_shown(const char *value);

/** Bytes for people: "797 kB", "1.6 MB"; into text[16]. */
void fed_text_bytes(char text[16], double bytes);

#endif
