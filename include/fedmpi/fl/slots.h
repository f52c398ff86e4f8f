/** Slots: the named vectors of a federation, and where they stand.
 *
 * What needs a vector beside the model's parameters (an algorithm, a server optimizer, an
 * encoder, a momentum that persists) declares a slot: a const struct whose address is the
 * handle by which its owner asks for the memory. Communication, exact sums, clients' states,
 * checkpoint and memory estimate size themselves from the list of all slots.
 */
#ifndef FEDMPI_FL_SLOTS_H
#define FEDMPI_FL_SLOTS_H

#include <stddef.h>

/** Who holds a slot, and from when to when. All slots of an owner stand in one block. */
typedef enum fed_owner {
    FED_OWNER_DOWN,   /**< float: the server's; a copy goes to each rank every round */
    FED_OWNER_UP,     /**< float: a client sends it; the server gets the average, as double */
    FED_OWNER_CLIENT, /**< float: each client's, from round to round; zero before its first */
    FED_OWNER_SERVER, /**< double: the server's, from round to round; zero before round 1 */
    FED_OWNERS
} fed_owner_t;

typedef struct fed_slot {
    fed_owner_t owner;
    const char *name; /**< "control": unlike the owner's others; the checkpoint's arrays have it */
    size_t count;     /**< numbers; 0: one for each of the model's parameters */
} fed_slot_t;

/** The slots that every federation has: w, and a client's update w_k - w. */
extern const fed_slot_t fed_slot_parameters, fed_slot_update;

/** A slot in its place. */
typedef struct fed_place {
    const fed_slot_t *slot; /**< borrowed */
    size_t index;           /**< among those of its owner */
    size_t offset;          /**< in the owner's block, numbers */
    size_t count;           /**< numbers */
} fed_place_t;

typedef struct fed_slots {
    size_t parameters;          /**< of the model */
    fed_place_t *places;        /**< [place_count] */
    size_t place_count;         /**< of all owners */
    size_t counts[FED_OWNERS];  /**< slots of an owner */
    size_t lengths[FED_OWNERS]; /**< numbers in an owner's block */
} fed_slots_t;

/** Those that every federation has: each is the first of its owner. */
void fed_slots_init(fed_slots_t *slots, size_t parameters);
void fed_slots_fini(fed_slots_t *slots);

/** Put a slot behind the others of its owner. The struct must live as long as the list. */
void fed_slots_add(fed_slots_t *slots, const fed_slot_t *slot);

/** Where a slot stands that was added; dies if it was not: a mistake of ours. */
const fed_place_t *fed_slots_place(const fed_slots_t *slots, const fed_slot_t *slot);

/** The slot of that name, or NULL. */
const fed_place_t *fed_slots_find(const fed_slots_t *slots, fed_owner_t owner, const char *name);

/** "down", "up", "client", "server". */
const char *fed_owner_name(fed_owner_t owner);

/** A plug-in's list of slots, for the initializer of its struct. */
#define FED_SLOTS(...)                                                                             \
    .slots = (const fed_slot_t *const[]){__VA_ARGS__},                                             \
    .slot_count = sizeof((const fed_slot_t *const[]){__VA_ARGS__}) / sizeof(fed_slot_t *)

#endif
