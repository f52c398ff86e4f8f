/** The configuration: a value for every key that the rooms and their plug-ins declare.
 *
 * It knows no key of its own: it is given the rooms' groups of keys (config/key.h), and finds
 * those of plug-ins through the tables that keys name. The parser, --set, --dry-run, --help,
 * the reference and the attributes of the results file all walk the values here. Values arrive
 * checked for type and range; what only a higher layer can judge (a size against the data)
 * fails through fed_config_fail, which names the place where the user wrote it.
 */
#ifndef FEDMPI_CONFIG_CONFIG_H
#define FEDMPI_CONFIG_CONFIG_H

#include "fedmpi/config/key.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/core/error.h"
#include "fedmpi/core/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** A key with its value, where that comes from and how it was written. */
typedef struct fed_config_value {
    const char *section;
    const fed_key_group_t *group;
    const fed_key_t *key;
    void *field;  /**< in the group's options */
    char *text;   /**< as written, integers in digits */
    char *origin; /**< "run.ini:12", "--set", "--output"; NULL: the default */
} fed_config_value_t;

/** The options that a group's keys fill. */
typedef struct fed_config_group {
    const fed_key_group_t *keys;
    void *options; /**< [keys->options_bytes] */
} fed_config_group_t;

typedef struct fed_config {
    const fed_key_group_t *const *rooms; /**< borrowed, NULL behind the last */
    fed_config_value_t *values;          /**< [count], section by section */
    size_t count;
    fed_config_group_t *groups; /**< [group_count]: the rooms' and the plug-ins' */
    size_t group_count;
} fed_config_t;

/** All keys at their defaults. fed_config_fini gives the memory back.
 * @param rooms  groups that are always there, NULL behind the last; borrowed */
void fed_config_init(fed_config_t *config, const fed_key_group_t *const *rooms);
void fed_config_fini(fed_config_t *config);

/** The options struct of a group; valid until a key of it is set. */
const void *fed_config_options(const fed_config_t *config, const fed_key_group_t *group);

/** For a room's header: its group NAME_keys, and NAME_options(config), which gives it as the
 * struct that it is. */
#define FED_DECLARE_OPTIONS(name)                                                                  \
    extern const fed_key_group_t name##_keys;                                                      \
    static inline const name##_options_t *name##_options(const fed_config_t *config) {             \
        return fed_config_options(config, &name##_keys);                                           \
    }

/** Set one key from text; `origin` is where the user wrote it.
 * FED_INPUT for an unknown section or key (with the nearest name), a wrong type,
 * or a value out of range. */
fed_status_t fed_config_set(fed_config_t *config, const char *section, const char *name,
                            const char *text, const char *origin);

/** The same from what a user wrote alone, as behind --set SECTION.KEY=: blanks and quotes around
 * it are taken off, and ~ and $NAME in a path are expanded unless it stands in '...'. */
fed_status_t fed_config_set_written(fed_config_t *config, const char *section, const char *name,
                                    const char *written, const char *origin);

/** Set from "section.key=value", as --set takes it. */
fed_status_t fed_config_override(fed_config_t *config, const char *assignment);

/** Read an INI file (config/ini.h; `include = other.ini` before the first section reads that
 * file first, relative to this one). */
fed_status_t fed_config_read_file(fed_config_t *config, const char *path);

/** Read INI text that fed_config_write made; `name` stands for the file in messages. */
fed_status_t fed_config_read_text(fed_config_t *config, const char *ini, const char *name);

/** The effective configuration as INI text that reads back to the same values.
 * @param comments  add each key's help behind it */
void fed_config_write(const fed_config_t *config, bool comments, fed_text_t *ini);

/** Where each value comes from, a line each, for the same keys elsewhere: a configuration that was
 * written and read again says in messages where the user wrote it. */
void fed_config_write_origins(const fed_config_t *config, fed_text_t *origins);
void fed_config_read_origins(fed_config_t *config, const char *origins);

/** Have both configurations the same values[i], however it was written? */
bool fed_config_same(const fed_config_t *a, const fed_config_t *b, size_t i);

/** Fail with "where: section.key = value: message". `dotted` is "section.key". */
fed_status_t fed_config_fail(const fed_config_t *config, const char *dotted, const char *format,
                             ...) __attribute__((format(printf, 3, 4)));

/** The value of "section.key"; dies if there is none (a programmer's name). */
const fed_config_value_t *fed_config_value(const fed_config_t *config, const char *dotted);

/** Is there such a key, and is it one of a path? */
bool fed_config_is_path(const fed_config_t *config, const char *section, const char *name);

/** Where a key of this name is: "training.epochs or centralized.epochs", each between `before`
 * and `behind`; NULL if nowhere. The caller frees it. */
char *fed_config_homes(const fed_config_t *config, const char *name, const char *before,
                       const char *behind);

/** Does a section begin with values[i]? */
static inline bool fed_config_starts_section(const fed_config_t *config, size_t i) {
    return i == 0 || strcmp(config->values[i].section, config->values[i - 1].section) != 0;
}

/** What a key accepts, in words: "an integer from 1 to 1000000"; the caller frees it. */
char *fed_key_accepted(const fed_key_t *key);

/** The variants that a key chooses, if the run uses that key: the i-th, or NULL behind the last. */
const fed_plugin_t *fed_config_chosen(const fed_config_t *config, const fed_config_value_t *value,
                                      size_t i);

/** Does the run use these keys: are they a room's, or those of a plug-in that it chooses? */
bool fed_config_uses(const fed_config_t *config, const fed_key_group_t *group);

/** Which plug-ins use these keys: "federated.algorithm = fedprox"; the caller frees it. */
char *fed_config_users(const fed_config_t *config, const fed_key_group_t *group);

#endif
