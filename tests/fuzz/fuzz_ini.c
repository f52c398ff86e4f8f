/* The configuration's reader: any text is read, or refused with a message. What is accepted
 * reads back to the same values, in the configuration as in the bare INI text. */
#include "input.h"

#include "fedmpi/config/config.h"
#include "fedmpi/config/ini.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/run/rooms.h"

#include <stdlib.h>
#include <string.h>

/* --- INI text ---------------------------------------------------------------------------- */

static void require(bool holds) {
    if (!holds)
        abort();
}

/* Names that are not plain would not read back: of those only the values are compared. */
static void write_name(fed_text_t *ini, const char *name) {
    fed_text_append(ini, "k%zx", ini->length);
    for (; *name; name++)
        fed_text_append(ini, "%02x", (unsigned char)*name);
}

static fed_status_t write_line(void *context, const fed_ini_line_t *line) {
    fed_text_t *ini = context;
    if (!line->key) {
        fed_text_append(ini, "[");
        write_name(ini, line->section);
        fed_text_append(ini, "]\n");
        return FED_OK;
    }
    write_name(ini, line->key);
    fed_text_append(ini, " = ");
    fed_ini_append_value(ini, line->value.text, false);
    fed_text_append(ini, " ; comment\n");
    return FED_OK;
}

/* The values of a text, one behind the other. */
static fed_status_t append_value(void *context, const fed_ini_line_t *line) {
    if (line->key)
        fed_text_append(context, "%zu:%s\n", strlen(line->value.text), line->value.text);
    return FED_OK;
}

static void check_text(const char *text, size_t bytes) {
    fed_text_t ini = {0}, values = {0}, again = {0};
    fed_text_append(&ini, "%s", "");
    fed_text_append(&values, "%s", "");
    fed_text_append(&again, "%s", "");
    if (fed_ini_read(text, bytes, "text", write_line, &ini) == FED_OK) {
        require(fed_ini_read(text, bytes, "text", append_value, &values) == FED_OK);
        require(fed_ini_read(ini.chars, ini.length, "ini", append_value, &again) == FED_OK);
        require(strcmp(values.chars, again.chars) == 0);
    } else {
        require(strncmp(fed_error_message(), "text:", 5) == 0);
    }
    fed_text_fini(&ini);
    fed_text_fini(&values);
    fed_text_fini(&again);
}

/* Any value of one line is written so that it reads back. */
static void check_value(const char *text) {
    fed_text_t ini = {0}, value = {0}, again = {0};
    size_t length = strcspn(text, "\r\n");
    fed_text_append(&value, "%zu:%.*s\n", length, (int)length, text);
    FED_AUTOFREE char *line = fed_format("%.*s", (int)length, text);
    fed_text_append(&ini, "k = ");
    fed_ini_append_value(&ini, line, *text % 2);
    require(fed_ini_read(ini.chars, ini.length, "ini", append_value, &again) == FED_OK);
    require(strcmp(value.chars, again.chars) == 0);
    fed_text_fini(&ini);
    fed_text_fini(&value);
    fed_text_fini(&again);
}

/* --- Configurations ---------------------------------------------------------------------- */

static void check_round_trip(const fed_config_t *config) {
    fed_text_t ini = {0};
    fed_config_write(config, false, &ini);
    fed_config_t again;
    fed_config_init(&again, fed_rooms);
    require(fed_config_read_text(&again, ini.chars, "again") == FED_OK);
    for (size_t i = 0; i < config->count; i++)
        require(fed_config_same(config, &again, i) &&
                strcmp(config->values[i].text, again.values[i].text) == 0);
    fed_config_fini(&again);
    fed_text_fini(&ini);
}

static void check_file(const uint8_t *data, size_t bytes) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    if (fed_config_read_file(&config, fuzz_file(data, bytes)) == FED_OK)
        check_round_trip(&config);
    else
        require(*fed_error_message());
    fed_config_fini(&config);
}

static void check_override(const char *assignment) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    if (fed_config_override(&config, assignment) == FED_OK)
        check_round_trip(&config);
    fed_config_fini(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    char *text = fed_alloc(bytes + 1, 1);
    memcpy(text, data, bytes);
    check_file(data, bytes);
    check_text(text, bytes);
    check_value(text);
    check_override(text);
    fed_free(text);
    fuzz_check_memory();
    return 0;
}
