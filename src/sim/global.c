/* The blocks of a protocol with a server. */
#include "fedmpi/sim/global.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/fl/average.h"

#include <assert.h>
#include <string.h>

static void name_slots(fed_global_t *global, const fed_slots_t *slots) {
    global->names = FED_NEW_ARRAY(char *, slots->place_count);
    for (size_t i = 0; i < slots->place_count; i++) {
        const fed_slot_t *slot = slots->places[i].slot;
        global->names[i] = fed_format("%s/%s", fed_owner_name(slot->owner), slot->name);
    }
}

void fed_global_init(fed_global_t *global, const fed_problem_t *problem, const float *initial) {
    const fed_slots_t *slots = &problem->method->slots;
    *global = (fed_global_t){.problem = problem};
    global->down = FED_NEW_ARRAY(float, slots->lengths[FED_OWNER_DOWN]);
    name_slots(global, slots);
    if (!initial)
        return;
    global->server_state = FED_NEW_ARRAY(double, slots->lengths[FED_OWNER_SERVER]);
    memcpy(global->down, initial, slots->parameters * sizeof *initial);
    fed_method_start(problem->method, problem->config, global->down, global->server_state);
}

void fed_global_fini(fed_global_t *global) {
    for (size_t i = 0; i < global->problem->method->slots.place_count; i++)
        fed_free(global->names[i]);
    fed_free(global->names);
    fed_free(global->server_state);
    fed_free(global->down);
}

size_t fed_global_list_saved(fed_global_t *global, fed_saved_t *saved) {
    const fed_slots_t *slots = &global->problem->method->slots;
    size_t count = 0;
    for (size_t i = 0; i < slots->place_count; i++) {
        const fed_place_t *place = &slots->places[i];
        fed_saved_t vector = {.name = global->names[i], .count = place->count};
        if (place->slot->owner == FED_OWNER_DOWN)
            vector.floats = global->down + place->offset;
        else if (place->slot->owner == FED_OWNER_SERVER)
            vector.doubles = global->server_state + place->offset;
        else
            continue;
        assert(count < FED_SAVED_VECTORS);
        saved[count++] = vector;
    }
    return count;
}

void fed_global_blur(const fed_global_t *global, fed_engine_t *engine, int64_t round) {
    const fed_method_t *method = global->problem->method;
    if (!method->privacy.mechanism->is_private)
        return;
    size_t first, count;
    int64_t *sums = fed_engine_sums(engine, &first, &count);
    fed_privacy_blur(&method->privacy, global->problem->config, &method->slots, (uint32_t)round,
                     global->down, first, count, sums);
}

bool fed_global_steps(const fed_global_t *global, const fed_trained_t *trained) {
    bool always = global->problem->method->privacy.mechanism->is_private;
    return global->server_state && (always || trained->averaged_count > 0);
}

double fed_global_step(fed_global_t *global, const fed_participants_t *participants,
                       const fed_trained_t *trained, fed_round_row_t *row) {
    const fed_method_t *method = global->problem->method;
    fed_aggregate_t aggregate = {
        .config = global->problem->config,
        .slots = &method->slots,
        .gradients = trained->gradients / trained->weight,
        .columns = &method->round_columns,
        .cells = row->cells,
        .share = participants->share / trained->grown,
        .up = trained->up,
        .down = global->down,
        .server_state = global->server_state,
    };
    if (fed_privacy_promises(&method->privacy)) {
        const fed_privacy_t *privacy = &method->privacy;
        row->clip_norm = fed_privacy_bound(privacy, aggregate.config, &method->slots, global->down);
        row->noise_deviation =
            fed_privacy_deviation(privacy, aggregate.config, &method->slots, global->down);
    }
    return fed_method_step(method, &aggregate);
}

const float *fed_global_model(const fed_global_t *global) {
    return fed_average_model(&global->problem->method->slots, global->down);
}
