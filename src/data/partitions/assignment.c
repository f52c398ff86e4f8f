/* Reading an explicit assignment of samples to clients. */
#include "assignment.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_FILE_BYTES ((size_t)64 << 30)
#define NAME "/client"

bool fed_assignment_is_used(const fed_config_t *config) {
    return strcmp(config->partition.scheme, "file") == 0;
}

static fed_status_t fail_count(const fed_config_t *config, size_t there, size_t count) {
    return fed_config_fail(config, "partition.file",
                           "has %zu numbers, accepted is one for each of the %zu training samples",
                           there, count);
}

static bool is_client(long long number) {
    return number >= -1 && number <= INT32_MAX - 1;
}

/* --- HDF5 -------------------------------------------------------------------------------- */

static fed_status_t read_numbers(const fed_config_t *config, const fed_array_format_t *arrays,
                                 fed_array_file_t *file, size_t count, int32_t *clients) {
    fed_array_shape_t shape;
    FED_TRY(arrays->measure(file, NAME, &shape));
    if (shape.dimensions != 1 || shape.kind > FED_ARRAY_OF_INTEGERS)
        return fed_config_fail(config, "partition.file",
                               "its data set " NAME " must have one dimension and integers");
    if (shape.sizes[0] < count || (shape.sizes[0] > count && config->data.train_limit == 0))
        return fail_count(config, shape.sizes[0], count);
    FED_AUTOFREE int64_t *numbers = FED_NEW_ARRAY(int64_t, count);
    FED_TRY(arrays->read(file, NAME, 0, count, 1, FED_ARRAY_INT64, numbers));
    for (size_t i = 0; i < count; i++) {
        if (!is_client(numbers[i]))
            return fed_config_fail(config, "partition.file",
                                   "sample %zu has client %lld, accepted is -1 (nobody's) and up",
                                   i, (long long)numbers[i]);
        clients[i] = (int32_t)numbers[i];
    }
    return FED_OK;
}

static fed_status_t read_hdf5(const fed_config_t *config, const fed_array_format_t *arrays,
                              size_t count, int32_t *clients) {
    fed_array_file_t *file;
    FED_TRY(arrays->open(config->partition.file, &file));
    fed_status_t status = read_numbers(config, arrays, file, count, clients);
    arrays->close(file);
    return status;
}

/* --- Text -------------------------------------------------------------------------------- */

/* One number and nothing else, perhaps with a comma or semicolon behind it. */
static bool parse_line(char *line, long long *number) {
    char *end;
    errno = 0;
    *number = strtoll(line, &end, 10);
    if (end == line || errno)
        return false;
    while (isspace((unsigned char)*end) || *end == ',' || *end == ';')
        end++;
    return *end == '\0' && is_client(*number);
}

static bool is_blank(const char *line) {
    while (isspace((unsigned char)*line))
        line++;
    return *line == '\0' || *line == '#';
}

/* The first line may be a heading. */
static fed_status_t parse_text(const fed_config_t *config, char *text, size_t count,
                               int32_t *clients) {
    size_t read = 0, line_number = 0;
    for (char *line; (line = strsep(&text, "\n"));) {
        long long number;
        line_number++;
        bool valid = parse_line(line, &number);
        if (is_blank(line) || (!valid && line_number == 1 && isalpha((unsigned char)*line)))
            continue;
        if (!valid)
            return fed_config_fail(config, "partition.file",
                                   "line %zu: '%.40s': accepted is one number a line, a client "
                                   "from 0 up or -1 (nobody's)",
                                   line_number, line);
        if (read < count)
            clients[read] = (int32_t)number;
        read++;
    }
    if (read < count || (read > count && config->data.train_limit == 0))
        return fail_count(config, read, count);
    return FED_OK;
}

static fed_status_t read_text(const fed_config_t *config, size_t count, int32_t *clients) {
    void *data;
    size_t bytes;
    FED_TRY(fed_file_read(config->partition.file, LARGEST_FILE_BYTES, &data, &bytes));
    FED_AUTOFREE char *text = fed_alloc(bytes + 1, 1);
    memcpy(text, data, bytes);
    fed_free(data);
    return parse_text(config, text, count, clients);
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

fed_status_t fed_assignment_read(const fed_config_t *config, const fed_array_format_t *arrays,
                                 size_t count, int32_t *clients) {
    const char *path = config->partition.file;
    if (!*path)
        return fed_config_fail(config, "partition.file",
                               "partition.scheme = file needs the path of a file");
    if (ends_with(path, ".h5") || ends_with(path, ".hdf5"))
        return read_hdf5(config, arrays, count, clients);
    return read_text(config, count, clients);
}
