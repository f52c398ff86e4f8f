/* INI text, read line by line and written value by value. */
#include "fedmpi/config/ini.h"

#include "fedmpi/core/memory.h"

#include <string.h>

#define NO_BREAK_SPACE "\xc2\xa0" /* what word processors and web pages put between words */

/* A key that was read, in its section, or a section itself. */
typedef struct seen {
    const char *section, *key;
    int number;
} seen_t;

typedef struct reader {
    const char *name;
    const char *section;
    int number; /* of the line */
    seen_t *seen;
    size_t seen_count;
    fed_ini_take_t take;
    void *context;
} reader_t;

/* --- Blanks, comments, quotes ------------------------------------------------------------ */

/* Bytes of the blank that begins here, or 0. */
static size_t blank_at(const char *text) {
    if (*text == ' ' || *text == '\t' || *text == '\v' || *text == '\f')
        return 1;
    return strncmp(text, NO_BREAK_SPACE, 2) == 0 ? 2 : 0;
}

/* Bytes of the blank that ends before `end`, or 0. */
static size_t blank_before(const char *begin, const char *end) {
    if (end > begin && blank_at(end - 1) == 1)
        return 1;
    return end > begin + 1 && blank_at(end - 2) == 2 ? 2 : 0;
}

static char *skip_blanks(char *text) {
    for (size_t blank; (blank = blank_at(text)) > 0;)
        text += blank;
    return text;
}

static void cut_blanks(char *text) {
    char *end = text + strlen(text);
    for (size_t blank; (blank = blank_before(text, end)) > 0;)
        end -= blank;
    *end = '\0';
}

static bool is_comment(const char *text) {
    return *text == ';' || *text == '#';
}

/* Where a comment begins in a text, or its end. */
static const char *find_comment(const char *text) {
    const char *at = text;
    while (*at && !(is_comment(at) && (at == text || blank_before(text, at) > 0)))
        at++;
    return at;
}

/* Take the quotes off, in place. What stands behind them, or NULL where they do not end. */
static char *unquote(char *text) {
    char quote = *text, *to = text, *from = text + 1;
    for (; *from && (*from != quote || from[1] == quote); from++) {
        from += *from == quote; /* a doubled one is one */
        *to++ = *from;
    }
    if (!*from)
        return NULL;
    *to = '\0';
    return from + 1;
}

static fed_status_t read_quoted(char *text, bool comments) {
    char quote = *text, *rest = unquote(text);
    if (!rest)
        return fed_fail(FED_INPUT, "%c begins a quoted value that does not end on the line", quote);
    rest = skip_blanks(rest);
    if (*rest && !(comments && is_comment(rest)))
        return fed_fail(FED_INPUT,
                        "behind the quoted value stands %s; a %c in it is written twice: %c%c",
                        rest, quote, quote, quote);
    return FED_OK;
}

static fed_status_t read_value(char *text, bool comments, fed_ini_value_t *value) {
    text = skip_blanks(text);
    *value = (fed_ini_value_t){.text = text, .literal = *text == '\''};
    if (*text == '\'' || *text == '"')
        return read_quoted(text, comments);
    if (comments)
        text[find_comment(text) - text] = '\0';
    cut_blanks(text);
    return FED_OK;
}

fed_status_t fed_ini_read_value(char *text, fed_ini_value_t *value) {
    return read_value(text, false, value);
}

/* --- Lines ------------------------------------------------------------------------------- */

static fed_status_t fail(const reader_t *reader, const char *message) {
    return fed_fail(FED_INPUT, "%s:%d: %s", reader->name, reader->number, message);
}

static fed_status_t fail_line(const reader_t *reader) {
    return fail(reader, "neither [section] nor key = value nor ; comment");
}

/* The place where this section or key was before, or NULL. */
static const seen_t *find_seen(const reader_t *reader, const char *key) {
    for (size_t i = 0; i < reader->seen_count; i++) {
        const seen_t *seen = &reader->seen[i];
        bool same_kind = !seen->key == !key;
        if (same_kind && strcmp(seen->section, reader->section) == 0 &&
            (!key || strcmp(seen->key, key) == 0))
            return seen;
    }
    return NULL;
}

static fed_status_t fail_twice(const reader_t *reader, const seen_t *before) {
    FED_AUTOFREE char *what = before->key ? fed_format("%s.%s", before->section, before->key)
                                          : fed_format("[%s]", before->section);
    return fed_fail(FED_INPUT, "%s:%d: %s is there twice, first on line %d", reader->name,
                    reader->number, what, before->number);
}

/* Before the first section stand directives, of which there may be several. */
static fed_status_t take(reader_t *reader, const char *key, const fed_ini_value_t *value) {
    if (*reader->section) {
        const seen_t *before = find_seen(reader, key);
        if (before)
            return fail_twice(reader, before);
        reader->seen = fed_grow(reader->seen, reader->seen_count, reader->seen_count + 1,
                                sizeof *reader->seen);
        reader->seen[reader->seen_count++] = (seen_t){reader->section, key, reader->number};
    }
    fed_ini_line_t line = {.number = reader->number, .section = reader->section, .key = key};
    if (value)
        line.value = *value;
    return reader->take(reader->context, &line);
}

/* @param text  behind the [ */
static fed_status_t read_section(reader_t *reader, char *text) {
    char *end = strchr(text, ']');
    if (!end)
        return fail_line(reader);
    *end = '\0';
    const char *rest = skip_blanks(end + 1);
    text = skip_blanks(text);
    cut_blanks(text);
    if (!*text || (*rest && !is_comment(rest)))
        return fail_line(reader);
    reader->section = text;
    return take(reader, NULL, NULL);
}

static fed_status_t read_key(reader_t *reader, char *text) {
    char *equals = text + strcspn(text, "=:;#");
    if (equals == text || !*equals || is_comment(equals))
        return fail_line(reader);
    *equals = '\0';
    cut_blanks(text);
    fed_ini_value_t value;
    if (read_value(equals + 1, true, &value) != FED_OK) {
        FED_AUTOFREE char *where =
            fed_format("%s%s%s", reader->section, *reader->section ? "." : "", text);
        return fed_fail(FED_INPUT, "%s:%d: %s: %s", reader->name, reader->number, where,
                        fed_error_message());
    }
    return take(reader, text, &value);
}

static fed_status_t read_line(reader_t *reader, char *text) {
    text = skip_blanks(text);
    if (!*text || is_comment(text))
        return FED_OK;
    return *text == '[' ? read_section(reader, text + 1) : read_key(reader, text);
}

/* --- Texts ------------------------------------------------------------------------------- */

/* End the line that begins here, and give where the next one begins. */
static char *cut_line(char *text) {
    text += strcspn(text, "\r\n");
    bool two = *text == '\r' && text[1] == '\n';
    char *next = text + (*text != '\0') + two;
    *text = '\0';
    return next;
}

static bool begins_with(const char *text, size_t bytes, const char *mark, size_t mark_bytes) {
    return bytes >= mark_bytes && memcmp(text, mark, mark_bytes) == 0;
}

static fed_status_t read_lines(reader_t *reader, char *text, const char *end) {
    while (text < end) {
        reader->number++;
        char *next = cut_line(text);
        /* Lines have no zero of their own: one before the end of the text is a NUL byte. */
        if (next < end && next == text + strlen(text))
            return fail(reader, "has a NUL byte: this is no text, or UTF-16; save it as UTF-8");
        FED_TRY(read_line(reader, text));
        text = next;
    }
    return FED_OK;
}

fed_status_t fed_ini_read(const char *text, size_t bytes, const char *name,
                          fed_ini_take_t take_line, void *context) {
    if (begins_with(text, bytes, "\xff\xfe", 2) || begins_with(text, bytes, "\xfe\xff", 2))
        return fed_fail(FED_INPUT, "%s: is UTF-16, accepted is UTF-8; save it as that", name);
    size_t mark = begins_with(text, bytes, "\xef\xbb\xbf", 3) ? 3 : 0;
    FED_AUTOFREE char *copy = fed_alloc(bytes - mark + 1, 1);
    memcpy(copy, text + mark, bytes - mark);
    reader_t reader = {.name = name, .section = "", .take = take_line, .context = context};
    fed_status_t status = read_lines(&reader, copy, copy + bytes - mark);
    fed_free(reader.seen);
    return status;
}

/* --- Writing ----------------------------------------------------------------------------- */

static bool needs_quotes(const char *value, bool expanded) {
    const char *end = value + strlen(value);
    return *value == '\'' || *value == '"' || blank_at(value) > 0 || blank_before(value, end) > 0 ||
           *find_comment(value) || (expanded && (*value == '~' || strchr(value, '$')));
}

void fed_ini_append_value(fed_text_t *ini, const char *value, bool expanded) {
    if (!needs_quotes(value, expanded)) {
        fed_text_append(ini, "%s", value);
        return;
    }
    fed_text_append(ini, "'");
    while (*value) {
        int length = (int)strcspn(value, "'");
        bool quote = value[length] == '\'';
        fed_text_append(ini, "%.*s%s", length, value, quote ? "''" : "");
        value += length + quote;
    }
    fed_text_append(ini, "'");
}
