/* Columns that variants add to tables of the results. */
#include "support.h"

#include "fedmpi/config/columns.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/run/rooms.h"

#include <math.h>

static const fed_table_t *const tables[] = {&fed_round_table, &fed_client_table};

/* Every variant that can be chosen: alone, nobody adds what the table has already, or twice. */
static void names_are_unique(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    size_t added = 0;
    for (size_t i = 0; i < config.count; i++)
        for (size_t p = 0;
             config.values[i].key->plugins && p < config.values[i].key->plugins->count; p++) {
            const fed_config_value_t *value = &config.values[i];
            assert_ok(fed_config_set(&config, value->section, value->key->name,
                                     value->key->plugins->entries[p]->name, "test"));
            for (size_t t = 0; t < 2; t++) {
                fed_columns_t columns = fed_columns_of(&config, tables[t]);
                fed_table_t table = fed_columns_compose(&columns);
                assert_int_equal(table.column_count, tables[t]->column_count + columns.count);
                for (size_t c = tables[t]->column_count; c < table.column_count; c++, added++) {
                    assert_true(*table.columns[c].help && *table.columns[c].unit);
                    for (size_t other = 0; other < c; other++)
                        assert_string_not_equal(table.columns[c].name, table.columns[other].name);
                }
                fed_columns_free(&table);
            }
            assert_ok(fed_config_set(&config, value->section, value->key->name, value->key->initial,
                                     "test"));
        }
    assert_true(added >= 3);
    fed_config_fini(&config);
}

static void cells_stand_behind_the_tables_own_columns(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    set(&config, "federated.algorithm", "fednova");
    set(&config, "federated.aggregation", "norm_bound");
    fed_columns_t columns = fed_columns_of(&config, &fed_round_table);
    assert_int_equal(columns.count, 2);
    fed_round_row_t row = {.bytes_up = 3};
    fed_columns_clear(&columns, row.cells);
    fed_table_t table = fed_columns_compose(&columns);
    assert_int_equal(table.row_bytes, offsetof(fed_round_row_t, cells) + 2 * sizeof(fed_cell_t));
    const fed_column_t *own = &table.columns[fed_round_table.column_count];
    for (size_t c = 0; c < 2; c++) {
        bool real = columns.added[c]->type == FED_COLUMN_REAL;
        const void *field = (const char *)&row + own[c].offset;
        assert_string_equal(own[c].name, columns.added[c]->name);
        assert_true(real ? isnan(*(const double *)field) : *(const int64_t *)field == 0);
        fed_columns_set(&columns, row.cells, columns.added[c], 7);
        assert_true(real ? *(const double *)field == 7 : *(const int64_t *)field == 7);
        assert_true(fed_columns_get(&columns, row.cells, columns.added[c]) == 7);
    }
    assert_int_equal(row.bytes_up, 3);
    fed_columns_free(&table);
    fed_config_fini(&config);
}

/* Also a table without cells, and the tables' own order where nobody adds anything. */
static void without_variants_tables_are_as_they_are(void **state) {
    (void)state;
    const fed_table_t *all[] = {&fed_round_table, &fed_client_table, &fed_local_epoch_table,
                                &fed_personal_table, &fed_centralized_table};
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    for (size_t t = 0; t < sizeof all / sizeof *all; t++) {
        fed_columns_t columns = fed_columns_of(&config, all[t]);
        fed_table_t table = fed_columns_compose(&columns);
        assert_int_equal(columns.count, 0);
        assert_int_equal(table.row_bytes, table.column_count * sizeof(fed_cell_t));
        for (size_t c = 0; c < table.column_count; c++)
            assert_int_equal(table.columns[c].offset, c * sizeof(fed_cell_t));
        fed_columns_free(&table);
    }
    fed_config_fini(&config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(names_are_unique),
        TEST(cells_stand_behind_the_tables_own_columns),
        TEST(without_variants_tables_are_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
