/* What private mechanisms add to the tables: who was clipped. */
#include "mechanisms.h"

#include "fedmpi/fl/records.h"

const fed_added_column_t fed_clipped = FED_INTEGER_ADDED(
    &fed_client_table, "clipped", "1", "1: its update was longer than privacy allows");
const fed_added_column_t fed_clipped_clients = FED_INTEGER_ADDED(
    &fed_round_table, "clipped", "1", "clients whose updates were longer than privacy allows",
    .sum_of = &fed_clipped);
