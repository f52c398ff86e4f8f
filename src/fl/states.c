/* Clients' states between rounds. */
#include "fedmpi/fl/states.h"

#include "fedmpi/core/memory.h"

#include <string.h>

void fed_states_init(fed_states_t *states, size_t clients, size_t length) {
    *states = (fed_states_t){0};
    if (length == 0)
        return;
    *states = (fed_states_t){
        .clients = clients,
        .length = length,
        .kept = FED_NEW_ARRAY(float *, clients),
        .next = FED_NEW_ARRAY(float *, clients),
        .touched = FED_NEW_ARRAY(uint32_t, clients),
    };
}

void fed_states_fini(fed_states_t *states) {
    for (size_t k = 0; k < states->clients; k++) {
        fed_free(states->kept[k]);
        fed_free(states->next[k]);
    }
    fed_free(states->kept);
    fed_free(states->next);
    fed_free(states->touched);
    *states = (fed_states_t){0};
}

float *fed_states_open(fed_states_t *states, uint32_t client) {
    if (states->length == 0)
        return NULL;
    if (!states->next[client]) {
        states->next[client] = FED_NEW_ARRAY(float, states->length);
        states->touched[states->touched_count++] = client;
    }
    size_t bytes = states->length * sizeof **states->next;
    if (states->kept[client])
        memcpy(states->next[client], states->kept[client], bytes);
    else
        memset(states->next[client], 0, bytes);
    return states->next[client];
}

void fed_states_discard(fed_states_t *states, uint32_t client) {
    for (size_t i = 0; i < states->touched_count; i++)
        if (states->touched[i] == client) {
            states->touched[i] = states->touched[--states->touched_count];
            fed_free(states->next[client]);
            states->next[client] = NULL;
            return;
        }
}

void fed_states_abandon(fed_states_t *states) {
    while (states->touched_count > 0)
        fed_states_discard(states, states->touched[states->touched_count - 1]);
}

void fed_states_commit(fed_states_t *states) {
    for (size_t i = 0; i < states->touched_count; i++) {
        uint32_t client = states->touched[i];
        fed_free(states->kept[client]);
        states->kept[client] = states->next[client];
        states->next[client] = NULL;
    }
    states->touched_count = 0;
}
