/* INI files and text, read with inih. */
#include "fedmpi/config/config.h"
#include "fedmpi/core/memory.h"

#include <errno.h>
#include <ini.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#define DEEPEST_INCLUDE 8

/* Lines come from a file or from a text; inih asks for them one by one, which is
 * how we know the number of the line that a key stands on. */
typedef struct reader {
    fed_config_t *config;
    const char *name;
    FILE *file;       /* or NULL: */
    const char *text; /* what is left of the text */
    int line;
    int depth;
    fed_status_t status;
} reader_t;

static fed_status_t read_file(fed_config_t *config, const char *path, const char *asked_by,
                              int depth);

static char *next_line_of_text(char *buffer, int size, reader_t *reader) {
    if (!*reader->text)
        return NULL;
    size_t length = strcspn(reader->text, "\n");
    length += reader->text[length] == '\n';
    if (length > (size_t)size - 1)
        length = (size_t)size - 1;
    memcpy(buffer, reader->text, length);
    buffer[length] = '\0';
    reader->text += length;
    return buffer;
}

static char *next_line(char *buffer, int size, void *context) {
    reader_t *reader = context;
    if (reader->status != FED_OK)
        return NULL;
    char *line =
        reader->file ? fgets(buffer, size, reader->file) : next_line_of_text(buffer, size, reader);
    if (!line)
        return NULL;
    reader->line++;
    size_t length = strlen(line);
    if (length == (size_t)size - 1 && line[length - 1] != '\n') {
        reader->status = fed_fail(FED_INPUT, "%s:%d: longer than %d characters", reader->name,
                                  reader->line, size - 2);
        return NULL;
    }
    /* inih takes an indented line as more of the value above; we do not. */
    size_t indent = strspn(line, " \t");
    memmove(line, line + indent, length - indent + 1);
    return line;
}

static fed_status_t include_file(reader_t *reader, const char *target, const char *origin) {
    if (!reader->file)
        return fed_fail(FED_INPUT, "%s: include works in files only", origin);
    if (*target == '/')
        return read_file(reader->config, target, origin, reader->depth + 1);
    FED_AUTOFREE char *copy = fed_strdup(reader->name);
    FED_AUTOFREE char *path = fed_format("%s/%s", dirname(copy), target);
    return read_file(reader->config, path, origin, reader->depth + 1);
}

/* inih: 1 goes on, 0 is an error. */
static int take_key(void *context, const char *section, const char *name, const char *value) {
    reader_t *reader = context;
    FED_AUTOFREE char *origin = fed_format("%s:%d", reader->name, reader->line);
    if (*section == '\0' && strcmp(name, "include") == 0)
        reader->status = include_file(reader, value, origin);
    else if (*section == '\0')
        reader->status =
            fed_fail(FED_INPUT, "%s: key %s stands before the first [section]", origin, name);
    else
        reader->status = fed_config_set(reader->config, section, name, value, origin);
    return reader->status == FED_OK;
}

static fed_status_t read_lines(reader_t *reader) {
    int bad_line = ini_parse_stream(next_line, reader, take_key, reader);
    /* inih goes on behind a line that it cannot read: the first mistake is the news. */
    if (bad_line > 0 && (reader->status == FED_OK || bad_line < reader->line))
        return fed_fail(FED_INPUT, "%s:%d: neither [section] nor key = value nor ; comment",
                        reader->name, bad_line);
    if (reader->status != FED_OK)
        return reader->status;
    if (bad_line < 0)
        fed_die("inih has no memory for %s", reader->name);
    return FED_OK;
}

static fed_status_t read_file(fed_config_t *config, const char *path, const char *asked_by,
                              int depth) {
    if (depth > DEEPEST_INCLUDE)
        return fed_fail(FED_INPUT, "%s: includes are more than %d deep; does %s include itself?",
                        asked_by, DEEPEST_INCLUDE, path);
    FILE *file = fopen(path, "r");
    if (!file)
        return fed_fail(FED_INPUT, "%s%s%s: cannot read: %s", asked_by, *asked_by ? ": " : "", path,
                        strerror(errno));
    reader_t reader = {.config = config, .name = path, .file = file, .depth = depth};
    fed_status_t status = read_lines(&reader);
    if (status == FED_OK && ferror(file))
        status = fed_fail(FED_INPUT, "%s: cannot read: %s", path, strerror(errno));
    fclose(file);
    return status;
}

fed_status_t fed_config_read_file(fed_config_t *config, const char *path) {
    return read_file(config, path, "", 0);
}

fed_status_t fed_config_read_text(fed_config_t *config, const char *ini, const char *name) {
    reader_t reader = {.config = config, .name = name, .text = ini};
    return read_lines(&reader);
}
