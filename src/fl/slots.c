/* Named vectors and their places. */
#include "fedmpi/fl/slots.h"

#include "fedmpi/core/error.h"
#include "fedmpi/core/memory.h"

#include <string.h>

const fed_slot_t fed_slot_parameters = {FED_OWNER_DOWN, "w", 0};
const fed_slot_t fed_slot_update = {FED_OWNER_UP, "update", 0};

void fed_slots_init(fed_slots_t *slots, size_t parameters) {
    *slots = (fed_slots_t){.parameters = parameters};
    fed_slots_add(slots, &fed_slot_parameters);
    fed_slots_add(slots, &fed_slot_update);
}

void fed_slots_fini(fed_slots_t *slots) {
    fed_free(slots->places);
    *slots = (fed_slots_t){0};
}

void fed_slots_add(fed_slots_t *slots, const fed_slot_t *slot) {
    if (fed_slots_find(slots, slot->owner, slot->name))
        fed_die("two slots are called %s/%s", fed_owner_name(slot->owner), slot->name);
    size_t count = slot->count > 0 ? slot->count : slots->parameters;
    slots->places =
        fed_grow(slots->places, slots->place_count, slots->place_count + 1, sizeof *slots->places);
    slots->places[slots->place_count++] = (fed_place_t){
        .slot = slot,
        .index = slots->counts[slot->owner],
        .offset = slots->lengths[slot->owner],
        .count = count,
    };
    slots->counts[slot->owner]++;
    slots->lengths[slot->owner] += count;
}

const fed_place_t *fed_slots_place(const fed_slots_t *slots, const fed_slot_t *slot) {
    for (size_t i = 0; i < slots->place_count; i++)
        if (slots->places[i].slot == slot)
            return &slots->places[i];
    fed_die("nobody declared the slot %s/%s", fed_owner_name(slot->owner), slot->name);
}

const fed_place_t *fed_slots_find(const fed_slots_t *slots, fed_owner_t owner, const char *name) {
    for (size_t i = 0; i < slots->place_count; i++)
        if (slots->places[i].slot->owner == owner && strcmp(slots->places[i].slot->name, name) == 0)
            return &slots->places[i];
    return NULL;
}

const char *fed_owner_name(fed_owner_t owner) {
    static const char *const names[FED_OWNERS] = {
        [FED_OWNER_DOWN] = "down",
        [FED_OWNER_UP] = "up",
        [FED_OWNER_CLIENT] = "client",
        [FED_OWNER_SERVER] = "server",
    };
    return names[owner];
}
