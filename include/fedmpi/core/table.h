/** Tables: rows of a plain struct, and what their columns are.
 *
 * The results file, the checkpoint and the reference of tables read these descriptions; a
 * room that records something declares its row and its table.
 */
#ifndef FEDMPI_CORE_TABLE_H
#define FEDMPI_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum fed_column_type { FED_COLUMN_INTEGER, FED_COLUMN_REAL } fed_column_type_t;

typedef struct fed_column {
    const char *name;
    fed_column_type_t type; /**< int64_t or double in the row */
    size_t offset;          /**< in the row */
    const char *unit;       /**< "1" for counts and fractions without one */
    const char *help;
} fed_column_t;

typedef struct fed_table {
    const char *path; /**< in the results file */
    const char *help;
    const fed_column_t *columns;
    size_t column_count;
    size_t row_bytes;
    size_t cells_offset; /**< of the cells in the file's rows, behind the row's own columns; 0: the
                              table has none */
} fed_table_t;

/** A place in a row for a column that not every table of the kind has. */
typedef union fed_cell {
    int64_t integer;
    double real;
} fed_cell_t;

#define FED_MOST_CELLS 8

/** Columns of a row type, for the initializer of an array. */
#define FED_INTEGER_COLUMN(row, field, unit, help)                                                 \
    { #field, FED_COLUMN_INTEGER, offsetof(row, field), unit, help }
#define FED_REAL_COLUMN(row, field, unit, help)                                                    \
    { #field, FED_COLUMN_REAL, offsetof(row, field), unit, help }

/** The columns of an array, for the initializer of a table. */
#define FED_COLUMNS(array) .columns = (array), .column_count = sizeof(array) / sizeof *(array)

#endif
