/** Plug points: tables of named variants.
 *
 * A variant is one const struct in one file whose first member is a fed_plugin_t;
 * a plug point is a table of pointers to them, and the key of type FED_KEY_NAME that
 * chooses one, or FED_KEY_NAMES that chooses some. Look-up by name, the error for an unknown name,
 * `fedmpi --list` and the list of all keys read the tables; there is no registration.
 */
#ifndef FEDMPI_CONFIG_PLUGIN_H
#define FEDMPI_CONFIG_PLUGIN_H

#include "fedmpi/config/key.h"

#include <stddef.h>

typedef struct fed_added_column fed_added_column_t; /* config/columns.h */

#define FED_MOST_KEY_GROUPS 4
#define FED_MOST_ADDED_COLUMNS 4

struct fed_plugin {
    const char *name;
    const char *summary; /**< one line, with the source if it comes from a paper */
    /** Keys that this variant uses, and no others than those that name the same group: with
     * another variant they have no effect. Unused places are NULL. */
    const fed_key_group_t *keys[FED_MOST_KEY_GROUPS];

    /** Columns that the results have where it is chosen. Unused places are NULL. */
    const fed_added_column_t *columns[FED_MOST_ADDED_COLUMNS];
};

struct fed_plugin_table {
    const char *kind; /**< "model", "algorithm", ... */
    const fed_plugin_t *const *entries;
    size_t count;
};

/** A kind's list of its variants is a macro in the kind's header, KINDS(each): what declares
 * them and the table are made of it.
 *
 *     #define FED_SAMPLERS(each) each(fed_sampler_uniform), each(fed_sampler_weighted)
 *     extern const fed_sampler_t FED_SAMPLERS(FED_PLUGIN_ITSELF);
 *     const fed_plugin_table_t fed_samplers = FED_PLUGIN_TABLE("sampler", FED_SAMPLERS);
 */
#define FED_PLUGIN_ITSELF(variant) variant
#define FED_PLUGIN_POINTER(variant) &(variant).plugin
#define FED_PLUGIN_POINTERS(list) ((const fed_plugin_t *const[]){list(FED_PLUGIN_POINTER)})
#define FED_PLUGIN_TABLE(kind_, list)                                                              \
    {                                                                                              \
        .kind = (kind_), .entries = FED_PLUGIN_POINTERS(list),                                     \
        .count = sizeof FED_PLUGIN_POINTERS(list) / sizeof(const fed_plugin_t *)                   \
    }

/** The entry with this name, or NULL. */
const fed_plugin_t *fed_plugin_find(const fed_plugin_table_t *table, const char *name);

/** Does this variant use these keys? */
bool fed_plugin_uses(const fed_plugin_t *plugin, const fed_key_group_t *group);

/** "iid | dirichlet | shards", for messages and help; the caller frees it. */
char *fed_plugin_names(const fed_plugin_table_t *table);

#endif
