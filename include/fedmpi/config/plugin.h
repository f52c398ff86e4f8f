/** Plug points: tables of named variants.
 *
 * A variant is one const struct in one file whose first member is a fed_plugin_t;
 * a plug point is a table of pointers to them. Look-up by name, the error for an
 * unknown name and `fedmpi --list` read the table; there is no registration.
 */
#ifndef FEDMPI_CONFIG_PLUGIN_H
#define FEDMPI_CONFIG_PLUGIN_H

#include "fedmpi/core/error.h"

#include <stddef.h>

typedef struct fed_plugin {
    const char *name;
    const char *summary; /**< one line, with the source if it comes from a paper */
} fed_plugin_t;

typedef struct fed_plugin_table {
    const char *kind; /**< "model", "algorithm", ... */
    const char *key;  /**< the configuration key that chooses one, "model.type" */
    const fed_plugin_t *const *entries;
    size_t count;
} fed_plugin_table_t;

/** The entry with this name, or NULL. */
const fed_plugin_t *fed_plugin_find(const fed_plugin_table_t *table, const char *name);

/** "iid | dirichlet | shards", for messages and help; the caller frees it. */
char *fed_plugin_names(const fed_plugin_table_t *table);

#endif
