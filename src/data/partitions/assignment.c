/* Reading an explicit assignment of samples to clients. */
#include "assignment.h"

#include "data/sources/named_arrays.h"
#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/number.h"
#include "fedmpi/data/dataset.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct options {
    const char *file;
} options_t;

static const fed_key_t keys[] = {
    FED_PATH(options_t, file, "",
             "file: client of each training sample, -1: nobody's; HDF5 with /client, or text with "
             "one a line"),
};

const fed_key_group_t fed_assignment_keys = FED_KEY_GROUP("partition", options_t, keys);

static const char *file_of(const fed_config_t *config) {
    return ((const options_t *)fed_config_options(config, &fed_assignment_keys))->file;
}

#define LARGEST_FILE_BYTES ((size_t)64 << 30)
#define NAME "/client"
#define NOBODY (-1)

bool fed_assignment_is_used(const fed_config_t *config) {
    return fed_config_uses(config, &fed_assignment_keys);
}

static fed_status_t fail_count(const fed_config_t *config, size_t there, size_t count) {
    return fed_config_fail(config, "partition.file",
                           "has %zu numbers, accepted is one for each of the %zu training samples",
                           there, count);
}

static bool is_client(long long number) {
    return number >= NOBODY && number <= INT32_MAX - 1;
}

/* --- HDF5 -------------------------------------------------------------------------------- */

static fed_status_t read_array(const fed_config_t *config, const fed_array_input_t *input,
                               size_t count, int32_t *client_of) {
    size_t entries = 0;
    FED_TRY(fed_array_measure_clients(input, NAME, &entries));
    if (entries < count || (entries > count && fed_data_options(config)->train_limit == 0))
        return fail_count(config, entries, count);
    return fed_array_read_clients(input, NAME, count, NOBODY, client_of);
}

/* Told by what is in the file, whatever its name. */
static bool begins_as_hdf5(const char *path) {
    static const char signature[] = "\x89HDF\r\n\x1a\n";
    char begin[sizeof signature - 1] = "";
    FILE *file = fopen(path, "rbe");
    if (!file)
        return false; /* reading it as text says why */
    size_t there = fread(begin, 1, sizeof begin, file);
    fclose(file);
    return there == sizeof begin && memcmp(begin, signature, sizeof begin) == 0;
}

static fed_status_t read_hdf5(const fed_config_t *config, const fed_array_format_t *arrays,
                              size_t count, int32_t *client_of) {
    fed_array_input_t input = {.arrays = arrays, .path = file_of(config)};
    FED_TRY(arrays->open(input.path, &input.file));
    fed_status_t status = read_array(config, &input, count, client_of);
    arrays->close(input.file);
    return status;
}

/* --- Text -------------------------------------------------------------------------------- */

enum { FIELDS_MAX = 64 };

/* Where the numbers stand in a line of comma-separated values. */
typedef struct columns {
    size_t count;  /* of a line */
    size_t client; /* which of them is the client */
    bool indexed;  /* the first counts the samples */
} columns_t;

static bool is_separator(char c) {
    return c == ',' || c == ';' || c == '\t';
}

static char *trim(char *field) {
    while (isspace((unsigned char)*field))
        field++;
    size_t length = strlen(field);
    while (length > 0 && isspace((unsigned char)field[length - 1]))
        length--;
    bool quoted = length >= 2 && (*field == '"' || *field == '\'') && field[length - 1] == *field;
    field[length - quoted] = '\0';
    return field + quoted;
}

/* Cut a line into fields, without the quotes around them; a separator at its end begins none. */
static size_t split(char *line, char *fields[FIELDS_MAX]) {
    size_t count = 0;
    char *end = line + strlen(line);
    for (size_t f = 0; f < FIELDS_MAX; f++)
        fields[f] = end;
    for (; line < end && count < FIELDS_MAX;) {
        char *field = line;
        while (*line && !is_separator(*line))
            line++;
        *line++ = '\0';
        fields[count++] = trim(field);
    }
    return count;
}

static bool is_blank(const char *line) {
    line += strspn(line, " \t\r");
    return *line == '\0' || *line == '#';
}

/* Does the first line name the columns, as CSV files do? Then one is "client". */
static bool read_heading(char *const *fields, size_t count, columns_t *columns) {
    bool heading = false, named = false;
    for (size_t f = 0; f < count; f++) {
        int64_t number;
        heading |= !fed_number_integer(fields[f], &number) && (*fields[f] || count > 1);
        if (strcasecmp(fields[f], "client") == 0 && !named) {
            columns->client = f;
            named = true;
        }
    }
    columns->indexed = heading && !named && count == 2;
    return heading;
}

/* One line: a client, or -1. @param read  clients before this one */
static fed_status_t parse_line(const fed_config_t *config, size_t line_number, char *const *fields,
                               size_t count, size_t read, const columns_t *columns,
                               int32_t *client) {
    int64_t number, index;
    if (count != columns->count)
        return fed_config_fail(config, "partition.file",
                               "line %zu has %zu values, the first one %zu", line_number, count,
                               columns->count);
    if (columns->indexed && (!fed_number_integer(fields[0], &index) || index != (int64_t)read))
        return fed_config_fail(config, "partition.file",
                               "line %zu: '%.40s': of two columns the first counts the samples "
                               "from 0; or head the one of the clients with \"client\"",
                               line_number, fields[0]);
    if (!fed_number_integer(fields[columns->client], &number) || !is_client(number))
        return fed_config_fail(config, "partition.file",
                               "line %zu: '%.40s': accepted is one number a line, a client "
                               "from 0 up or -1 (nobody's)",
                               line_number, fields[columns->client]);
    *client = (int32_t)number;
    return FED_OK;
}

/* Of two columns the second is the client; of more one has to be named so. */
static fed_status_t find_columns(const fed_config_t *config, char *const *fields, size_t count,
                                 columns_t *columns, bool *heading) {
    *columns = (columns_t){.count = count, .client = count, .indexed = count == 2};
    *heading = read_heading(fields, count, columns);
    if (!*heading)
        columns->indexed = count == 2;
    if (columns->client == count && count > 2)
        return fed_config_fail(config, "partition.file",
                               "has %zu columns and none with the heading \"client\"", count);
    if (columns->client == count)
        columns->client = count - 1;
    return FED_OK;
}

static fed_status_t parse_text(const fed_config_t *config, char *text, size_t count,
                               int32_t *client_of) {
    size_t read = 0, line_number = 0;
    columns_t columns = {0};
    for (char *line; (line = strsep(&text, "\n"));) {
        char *fields[FIELDS_MAX];
        line_number++;
        if (is_blank(line))
            continue;
        size_t found = split(line, fields);
        if (columns.count == 0) {
            bool heading;
            FED_TRY(find_columns(config, fields, found, &columns, &heading));
            if (heading)
                continue;
        }
        int32_t client = NOBODY;
        FED_TRY(parse_line(config, line_number, fields, found, read, &columns, &client));
        if (read < count)
            client_of[read] = client;
        read++;
    }
    if (read < count || (read > count && fed_data_options(config)->train_limit == 0))
        return fail_count(config, read, count);
    return FED_OK;
}

/* What editors and spreadsheets put before a text, and what is no text at all. */
static fed_status_t skip_mark(const fed_config_t *config, char *text, size_t bytes, char **begin) {
    *begin = text;
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        *begin += 3;
    else if (bytes >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        return fed_config_fail(config, "partition.file",
                               "is UTF-16; save it as UTF-8 or plain text");
    if (memchr(text, '\0', bytes))
        return fed_config_fail(config, "partition.file", "is neither text nor HDF5");
    return FED_OK;
}

static fed_status_t read_text(const fed_config_t *config, size_t count, int32_t *client_of) {
    void *data;
    size_t bytes;
    FED_TRY(fed_file_read(file_of(config), LARGEST_FILE_BYTES, &data, &bytes));
    FED_AUTOFREE char *text = fed_alloc(bytes + 1, 1);
    memcpy(text, data, bytes);
    fed_free(data);
    char *begin;
    FED_TRY(skip_mark(config, text, bytes, &begin));
    return parse_text(config, begin, count, client_of);
}

fed_status_t fed_assignment_read(const fed_config_t *config, const fed_array_format_t *arrays,
                                 size_t count, int32_t *client_of) {
    const char *path = file_of(config);
    if (!*path)
        return fed_config_fail(config, "partition.file",
                               "partition.scheme = file needs the path of a file");
    if (begins_as_hdf5(path))
        return read_hdf5(config, arrays, count, client_of);
    return read_text(config, count, client_of);
}
