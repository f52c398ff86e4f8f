/** Keys: what a part of the program lets its users set.
 *
 * Who uses a value declares it, next to the code that reads it: a struct of options, and a
 * group of keys that says for each of its fields name, type, range, default and help. A room
 * declares its options in its header; a plug-in keeps those that only it uses to itself, and
 * names their group in its fed_plugin_t. All that enumerates keys (parser, --set, --dry-run,
 * --help, the results file, the check of a resume) walks the groups.
 *
 *     typedef struct options { double mu; } options_t;
 *     static const fed_key_t keys[] = {
 *         FED_REAL(options_t, mu, 0, 1000, "0.01", "weight of the proximal term"),
 *     };
 *     static const fed_key_group_t group = FED_KEY_GROUP("federated", options_t, keys);
 *
 *     const options_t *options = fed_config_options(config, &group);
 */
#ifndef FEDMPI_CONFIG_KEY_H
#define FEDMPI_CONFIG_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fed_plugin fed_plugin_t;             /* config/plugin.h */
typedef struct fed_plugin_table fed_plugin_table_t; /* config/plugin.h */

typedef struct fed_list {
    int64_t *values; /**< [count], owned by the configuration */
    size_t count;
} fed_list_t;

/** Variants, in the order in which the user names them; each once. */
typedef struct fed_names {
    const fed_plugin_t **plugins; /**< [count], owned by the configuration */
    size_t count;
} fed_names_t;

/** The type of a key, and of the field where its value goes. */
typedef enum fed_key_type {
    FED_KEY_INTEGER,  /**< int64_t */
    FED_KEY_REAL,     /**< double */
    FED_KEY_BOOLEAN,  /**< bool */
    FED_KEY_CHOICE,   /**< an enumeration: the position in `choices` */
    FED_KEY_NAME,     /**< const fed_plugin_t *: the entry of `plugins` with this name */
    FED_KEY_NAMES,    /**< fed_names_t: names of entries with commas between; may be empty */
    FED_KEY_TEXT,     /**< const char *: anything on one line, owned by the configuration */
    FED_KEY_PATH,     /**< the same for a file or folder: ~ and $NAME in it are expanded */
    FED_KEY_DURATION, /**< double, seconds; written as seconds or H:MM:SS */
    FED_KEY_INTEGERS, /**< fed_list_t: integers with commas between; may be empty */
} fed_key_type_t;

typedef struct fed_key {
    const char *name;
    fed_key_type_t type;
    size_t offset;              /**< of the field in the group's options */
    double minimum, maximum;    /**< numbers: what is accepted, bounds included */
    bool above_minimum;         /**< the minimum itself is not accepted */
    const char *const *choices; /**< words of a choice, NULL behind the last */
    const fed_plugin_table_t *plugins;
    const char *initial; /**< the default, as text */
    const char *help;    /**< one line */
    bool resumable;      /**< may be another when a run is resumed: does not alter the past */
} fed_key_t;

typedef struct fed_key_group {
    const char *section;
    const fed_key_t *keys; /**< [count] */
    size_t count;
    size_t options_bytes; /**< of the struct that the offsets are in */
} fed_key_group_t;

/** The group of an array of keys. */
#define FED_KEY_GROUP(section_, options, array)                                                    \
    {                                                                                              \
        .section = (section_), .keys = (array), .count = sizeof(array) / sizeof *(array),          \
        .options_bytes = sizeof(options)                                                           \
    }

/** A field's offset; does not compile unless it has the type that belongs to its key. */
#define FED_FIELD(options, field, type)                                                            \
    (offsetof(options, field) +                                                                    \
     0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((options *)0)->field), type) ? 1     \
                                                                                           : -1]))
#define FED_CHOICE_FIELD(options, field)                                                           \
    (offsetof(options, field) +                                                                    \
     0 * sizeof(char[sizeof(((options *)0)->field) == sizeof(int) ? 1 : -1]))

/* Behind the help may stand .above_minimum = true and .resumable = true. */

#define FED_INTEGER(options, field, low, high, initial_, help_, ...)                               \
    {                                                                                              \
        .name = #field, .type = FED_KEY_INTEGER, .offset = FED_FIELD(options, field, int64_t),     \
        .minimum = (low), .maximum = (high), .initial = (initial_), .help = (help_), __VA_ARGS__   \
    }
#define FED_REAL(options, field, low, high, initial_, help_, ...)                                  \
    {                                                                                              \
        .name = #field, .type = FED_KEY_REAL, .offset = FED_FIELD(options, field, double),         \
        .minimum = (low), .maximum = (high), .initial = (initial_), .help = (help_), __VA_ARGS__   \
    }
#define FED_BOOLEAN(options, field, initial_, help_, ...)                                          \
    {                                                                                              \
        .name = #field, .type = FED_KEY_BOOLEAN, .offset = FED_FIELD(options, field, bool),        \
        .initial = (initial_), .help = (help_), __VA_ARGS__                                        \
    }
#define FED_CHOICE(options, field, words, initial_, help_, ...)                                    \
    {                                                                                              \
        .name = #field, .type = FED_KEY_CHOICE, .offset = FED_CHOICE_FIELD(options, field),        \
        .choices = (words), .initial = (initial_), .help = (help_), __VA_ARGS__                    \
    }
#define FED_NAME(options, field, table, initial_, help_, ...)                                      \
    {                                                                                              \
        .name = #field, .type = FED_KEY_NAME,                                                      \
        .offset = FED_FIELD(options, field, const fed_plugin_t *), .plugins = (table),             \
        .initial = (initial_), .help = (help_), __VA_ARGS__                                        \
    }
#define FED_NAMES(options, field, table, initial_, help_, ...)                                     \
    {                                                                                              \
        .name = #field, .type = FED_KEY_NAMES, .offset = FED_FIELD(options, field, fed_names_t),   \
        .plugins = (table), .initial = (initial_), .help = (help_), __VA_ARGS__                    \
    }
#define FED_TEXT(options, field, initial_, help_, ...)                                             \
    {                                                                                              \
        .name = #field, .type = FED_KEY_TEXT, .offset = FED_FIELD(options, field, const char *),   \
        .initial = (initial_), .help = (help_), __VA_ARGS__                                        \
    }
#define FED_PATH(options, field, initial_, help_, ...)                                             \
    {                                                                                              \
        .name = #field, .type = FED_KEY_PATH, .offset = FED_FIELD(options, field, const char *),   \
        .initial = (initial_), .help = (help_), __VA_ARGS__                                        \
    }
/* A path unless it is a name of the table: its readers ask fed_plugin_find. */
#define FED_NAME_OR_PATH(options, field, table, initial_, help_, ...)                              \
    {                                                                                              \
        .name = #field, .type = FED_KEY_PATH, .offset = FED_FIELD(options, field, const char *),   \
        .plugins = (table), .initial = (initial_), .help = (help_), __VA_ARGS__                    \
    }
#define FED_DURATION(options, field, initial_, help_, ...)                                         \
    {                                                                                              \
        .name = #field, .type = FED_KEY_DURATION, .offset = FED_FIELD(options, field, double),     \
        .initial = (initial_), .help = (help_), __VA_ARGS__                                        \
    }
#define FED_INTEGERS(options, field, low, high, initial_, help_, ...)                              \
    {                                                                                              \
        .name = #field, .type = FED_KEY_INTEGERS, .offset = FED_FIELD(options, field, fed_list_t), \
        .minimum = (low), .maximum = (high), .initial = (initial_), .help = (help_), __VA_ARGS__   \
    }

/** Bounds that several keys share. */
#define FED_COUNT_MAX 2147483647.0
#define FED_CLIENTS_MAX 100000000.0

#endif
