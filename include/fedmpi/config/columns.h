/** Columns that variants add to tables of the results.
 *
 * A variant names them in its fed_plugin_t; where it is chosen, they stand behind the table's
 * own columns. What a row says in them is kept in cells, one a column of the run.
 *
 *     static const fed_added_column_t drift =
 *         FED_REAL_ADDED(&fed_client_table, "drift", "1", "L2 norm of ...");
 */
#ifndef FEDMPI_CONFIG_COLUMNS_H
#define FEDMPI_CONFIG_COLUMNS_H

#include "fedmpi/config/config.h"
#include "fedmpi/core/table.h"

struct fed_added_column {
    const fed_table_t *table; /**< one whose rows have cells */
    const char *name;
    fed_column_type_t type;
    const char *unit; /**< "1" for counts and fractions without one */
    const char *help;

    /** Rounds: the sum of this column of the clients that took part; nobody sets it. NULL: the
     * variant does. */
    const fed_added_column_t *sum_of;
};

/* Behind the help may stand .sum_of = &column. */
#define FED_INTEGER_ADDED(table_, name_, unit_, help_, ...)                                        \
    {                                                                                              \
        .table = (table_), .name = (name_), .type = FED_COLUMN_INTEGER, .unit = (unit_),           \
        .help = (help_), __VA_ARGS__                                                               \
    }
#define FED_REAL_ADDED(table_, name_, unit_, help_, ...)                                           \
    {                                                                                              \
        .table = (table_), .name = (name_), .type = FED_COLUMN_REAL, .unit = (unit_),              \
        .help = (help_), __VA_ARGS__                                                               \
    }

/** What a run's variants add to one table: column c is in cell c. */
typedef struct fed_columns {
    const fed_table_t *table;
    const fed_added_column_t *added[FED_MOST_CELLS];
    size_t count;
} fed_columns_t;

/** Of the variants that the configuration chooses, in the order of its keys. */
fed_columns_t fed_columns_of(const fed_config_t *config, const fed_table_t *table);

/** Before a row is filled: integers are 0 and reals NaN.
 * @param cells  [out] [columns->count] */
void fed_columns_clear(const fed_columns_t *columns, fed_cell_t *cells);

/** The number that a column's cell holds; dies if the run does not have this column. */
double fed_columns_get(const fed_columns_t *columns, const fed_cell_t *cells,
                       const fed_added_column_t *column);
void fed_columns_set(const fed_columns_t *columns, fed_cell_t *cells,
                     const fed_added_column_t *column, double value);

/** The table with its own columns and these behind them; its rows end with the last cell that
 * is used. fed_columns_free gives the memory back. */
fed_table_t fed_columns_compose(const fed_columns_t *columns);
void fed_columns_free(fed_table_t *composed);

#endif
