/* The configuration from files and texts. */
#include "fedmpi/config/config.h"
#include "fedmpi/config/ini.h"
#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"
#include "hint.h"
#include "path.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#define DEEPEST_INCLUDE 8
#define LARGEST_BYTES ((size_t)16 << 20) /* /dev/zero never ends */

typedef struct source {
    fed_config_t *config;
    const char *name; /* of the file, or what stands for it in messages */
    bool is_file;
    int depth;
} source_t;

static fed_status_t read_file(fed_config_t *config, const char *path, const char *asked_by,
                              int depth);

/* --- Values as written ------------------------------------------------------------------- */

static fed_status_t set_written(fed_config_t *config, const char *section, const char *name,
                                const fed_ini_value_t *value, const char *origin) {
    if (value->literal || !fed_config_is_path(config, section, name))
        return fed_config_set(config, section, name, value->text, origin);
    char *path;
    if (fed_path_expand(value->text, &path) != FED_OK)
        return fed_fail(FED_INPUT, "%s: %s.%s = %s: %s", origin, section, name, value->text,
                        fed_error_message());
    fed_status_t status = fed_config_set(config, section, name, path, origin);
    fed_free(path);
    return status;
}

fed_status_t fed_config_set_written(fed_config_t *config, const char *section, const char *name,
                                    const char *written, const char *origin) {
    FED_AUTOFREE char *copy = fed_strdup(written);
    fed_ini_value_t value;
    if (fed_ini_read_value(copy, &value) != FED_OK)
        return fed_fail(FED_INPUT, "%s: %s.%s: %s", origin, section, name, fed_error_message());
    return set_written(config, section, name, &value, origin);
}

fed_status_t fed_config_override(fed_config_t *config, const char *assignment) {
    size_t length = strcspn(assignment, "=");
    const char *dot = memchr(assignment, '.', length);
    if (!dot || !assignment[length])
        return fed_hint_fail_override(config, assignment);
    FED_AUTOFREE char *section = fed_format("%.*s", (int)(dot - assignment), assignment);
    FED_AUTOFREE char *name = fed_format("%.*s", (int)(assignment + length - dot) - 1, dot + 1);
    return fed_config_set_written(config, section, name, assignment + length + 1, "--set");
}

/* --- Lines ------------------------------------------------------------------------------- */

/* Relative to the file that asks for it. */
static fed_status_t include_file(const source_t *source, const fed_ini_value_t *target,
                                 const char *origin) {
    if (!source->is_file)
        return fed_fail(FED_INPUT, "%s: include works in files only", origin);
    char *path;
    if (target->literal)
        path = fed_strdup(target->text);
    else if (fed_path_expand(target->text, &path) != FED_OK)
        return fed_fail(FED_INPUT, "%s: include = %s: %s", origin, target->text,
                        fed_error_message());
    if (*path != '/') {
        FED_AUTOFREE char *copy = fed_strdup(source->name);
        char *beside = fed_format("%s/%s", dirname(copy), path);
        fed_free(path);
        path = beside;
    }
    fed_status_t status = read_file(source->config, path, origin, source->depth + 1);
    fed_free(path);
    return status;
}

static fed_status_t take_line(void *context, const fed_ini_line_t *line) {
    const source_t *source = context;
    FED_AUTOFREE char *origin = fed_format("%s:%d", source->name, line->number);
    if (!line->key)
        return fed_hint_check_section(source->config, line->section, origin);
    if (*line->section)
        return set_written(source->config, line->section, line->key, &line->value, origin);
    if (strcmp(line->key, "include") == 0)
        return include_file(source, &line->value, origin);
    return fed_hint_fail_homeless(source->config, line->key, origin);
}

/* --- Files and texts --------------------------------------------------------------------- */

/* Also of what has no size: a pipe, a terminal. */
static fed_status_t read_all(FILE *file, const char *path, char **text, size_t *bytes) {
    size_t capacity = 4096;
    *text = fed_alloc(capacity, 1);
    *bytes = 0;
    for (size_t got; (got = fread(*text + *bytes, 1, capacity - *bytes, file)) > 0;) {
        *bytes += got;
        if (*bytes > LARGEST_BYTES)
            return fed_fail(FED_INPUT, "%s: has more than %zu bytes: this is no configuration",
                            path, LARGEST_BYTES);
        if (*bytes == capacity) {
            *text = fed_grow(*text, capacity, 2 * capacity, 1);
            capacity *= 2;
        }
    }
    return ferror(file) ? fed_file_fail_reading(path, errno) : FED_OK;
}

static fed_status_t read_lines(const source_t *source, const char *text, size_t bytes) {
    return fed_ini_read(text, bytes, source->name, take_line, (void *)source);
}

static fed_status_t read_file(fed_config_t *config, const char *path, const char *asked_by,
                              int depth) {
    if (depth > DEEPEST_INCLUDE)
        return fed_fail(FED_INPUT, "%s: includes are more than %d deep; does %s include itself?",
                        asked_by, DEEPEST_INCLUDE, path);
    FILE *file = fopen(path, "re");
    if (!file)
        return fed_fail(FED_INPUT, "%s%s%s: cannot read: %s", asked_by, *asked_by ? ": " : "", path,
                        strerror(errno));
    source_t source = {.config = config, .name = path, .is_file = true, .depth = depth};
    char *text;
    size_t bytes;
    fed_status_t status = read_all(file, path, &text, &bytes);
    fclose(file);
    if (status == FED_OK)
        status = read_lines(&source, text, bytes);
    fed_free(text);
    return status;
}

fed_status_t fed_config_read_file(fed_config_t *config, const char *path) {
    return read_file(config, path, "", 0);
}

fed_status_t fed_config_read_text(fed_config_t *config, const char *ini, const char *name) {
    source_t source = {.config = config, .name = name};
    return read_lines(&source, ini, strlen(ini));
}
