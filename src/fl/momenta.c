/* Clients' momenta between rounds. */
#include "fedmpi/fl/momenta.h"

#include "fedmpi/core/memory.h"

#include <string.h>

void fed_momenta_init(fed_momenta_t *momenta, size_t clients, size_t parameters) {
    *momenta = (fed_momenta_t){
        .clients = clients,
        .parameters = parameters,
        .kept = FED_NEW_ARRAY(float *, clients),
        .next = FED_NEW_ARRAY(float *, clients),
        .touched = FED_NEW_ARRAY(uint32_t, clients),
    };
}

void fed_momenta_fini(fed_momenta_t *momenta) {
    for (size_t k = 0; k < momenta->clients; k++) {
        fed_free(momenta->kept[k]);
        fed_free(momenta->next[k]);
    }
    fed_free(momenta->kept);
    fed_free(momenta->next);
    fed_free(momenta->touched);
    *momenta = (fed_momenta_t){0};
}

void fed_momenta_load(const fed_momenta_t *momenta, uint32_t client, float *v) {
    size_t bytes = momenta->parameters * sizeof *v;
    if (momenta->kept[client])
        memcpy(v, momenta->kept[client], bytes);
    else
        memset(v, 0, bytes);
}

void fed_momenta_store(fed_momenta_t *momenta, uint32_t client, const float *v) {
    if (!momenta->next[client]) {
        momenta->next[client] = FED_NEW_ARRAY(float, momenta->parameters);
        momenta->touched[momenta->touched_count++] = client;
    }
    memcpy(momenta->next[client], v, momenta->parameters * sizeof *v);
}

void fed_momenta_commit(fed_momenta_t *momenta) {
    for (size_t i = 0; i < momenta->touched_count; i++) {
        uint32_t client = momenta->touched[i];
        fed_free(momenta->kept[client]);
        momenta->kept[client] = momenta->next[client];
        momenta->next[client] = NULL;
    }
    momenta->touched_count = 0;
}
