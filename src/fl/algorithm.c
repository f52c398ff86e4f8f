/* What is common to all algorithms. */
#include "fedmpi/fl/algorithm.h"

fed_status_t fed_algorithm_find(const fed_config_t *config, const fed_algorithm_t **algorithm) {
    *algorithm = (const fed_algorithm_t *)fed_algorithm_options(config)->algorithm;
    return (*algorithm)->check ? (*algorithm)->check(config) : FED_OK;
}

double *fed_round_up(const fed_aggregate_t *round, const fed_slot_t *slot) {
    return round->up + fed_slots_place(round->slots, slot)->offset;
}

void fed_round_note(const fed_aggregate_t *round, const fed_added_column_t *column, double value) {
    if (round->cells)
        fed_columns_set(round->columns, round->cells, column, value);
}

float *fed_round_down(const fed_aggregate_t *round, const fed_slot_t *slot) {
    return round->down + fed_slots_place(round->slots, slot)->offset;
}

double *fed_round_server(const fed_aggregate_t *round, const fed_slot_t *slot) {
    return round->server_state + fed_slots_place(round->slots, slot)->offset;
}
