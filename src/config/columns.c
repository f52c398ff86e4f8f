/* Composing tables of what variants add to them. */
#include "fedmpi/config/columns.h"

#include "fedmpi/core/memory.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static void add(fed_columns_t *columns, const fed_added_column_t *added) {
    for (size_t c = 0; c < columns->count; c++)
        if (columns->added[c] == added)
            return;
    assert(columns->count < FED_MOST_CELLS);
    columns->added[columns->count++] = added;
}

static void add_those_of(const fed_plugin_t *chosen, fed_columns_t *columns) {
    for (size_t c = 0; c < FED_MOST_ADDED_COLUMNS; c++)
        if (chosen->columns[c] && chosen->columns[c]->table == columns->table)
            add(columns, chosen->columns[c]);
}

fed_columns_t fed_columns_of(const fed_config_t *config, const fed_table_t *table) {
    fed_columns_t columns = {.table = table};
    for (size_t i = 0; i < config->count; i++) {
        const fed_plugin_t *chosen;
        for (size_t p = 0; (chosen = fed_config_chosen(config, &config->values[i], p)); p++)
            add_those_of(chosen, &columns);
    }
    return columns;
}

void fed_columns_clear(const fed_columns_t *columns, fed_cell_t *cells) {
    for (size_t c = 0; c < columns->count; c++)
        if (columns->added[c]->type == FED_COLUMN_REAL)
            cells[c].real = NAN;
        else
            cells[c].integer = 0;
}

static size_t place_of(const fed_columns_t *columns, const fed_added_column_t *column) {
    size_t c = 0;
    while (c < columns->count && columns->added[c] != column)
        c++;
    if (c == columns->count)
        fed_die("no chosen variant names the column %s", column->name);
    return c;
}

double fed_columns_get(const fed_columns_t *columns, const fed_cell_t *cells,
                       const fed_added_column_t *column) {
    const fed_cell_t *cell = &cells[place_of(columns, column)];
    return column->type == FED_COLUMN_INTEGER ? (double)cell->integer : cell->real;
}

void fed_columns_set(const fed_columns_t *columns, fed_cell_t *cells,
                     const fed_added_column_t *column, double value) {
    fed_cell_t *cell = &cells[place_of(columns, column)];
    if (column->type == FED_COLUMN_INTEGER)
        cell->integer = (int64_t)value;
    else
        cell->real = value;
}

fed_table_t fed_columns_compose(const fed_columns_t *columns) {
    fed_table_t table = *columns->table;
    size_t own = table.column_count;
    fed_column_t *all = FED_NEW_ARRAY(fed_column_t, own + columns->count);
    memcpy(all, table.columns, own * sizeof *all);
    for (size_t c = 0; c < columns->count; c++) {
        const fed_added_column_t *added = columns->added[c];
        all[own + c] =
            (fed_column_t){added->name, added->type, table.cells_offset + c * sizeof(fed_cell_t),
                           added->unit, added->help};
    }
    table.columns = all;
    table.column_count = own + columns->count;
    if (table.cells_offset > 0)
        table.row_bytes = table.cells_offset + columns->count * sizeof(fed_cell_t);
    return table;
}

void fed_columns_free(fed_table_t *composed) {
    fed_free((fed_column_t *)composed->columns);
    *composed = (fed_table_t){0};
}
