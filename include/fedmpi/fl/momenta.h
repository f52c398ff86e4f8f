/** Momenta: what training.persistent_momentum keeps of each client.
 *
 * A vector of n floats for each client that has trained on this rank, made when it
 * first trains. A round works on copies that become the client's own when the
 * round is complete: a round that is given up leaves no trace.
 */
#ifndef FEDMPI_FL_MOMENTA_H
#define FEDMPI_FL_MOMENTA_H

#include <stddef.h>
#include <stdint.h>

typedef struct fed_momenta {
    size_t clients, parameters;
    float **kept;      /**< [clients]: [parameters], or NULL: zero */
    float **next;      /**< [clients]: the round's, or NULL: unchanged */
    uint32_t *touched; /**< clients with a next, [touched_count] */
    size_t touched_count;
} fed_momenta_t;

void fed_momenta_init(fed_momenta_t *momenta, size_t clients, size_t parameters);
void fed_momenta_fini(fed_momenta_t *momenta);

/** Copy a client's momentum to v[parameters]: zero if it has none yet. */
void fed_momenta_load(const fed_momenta_t *momenta, uint32_t client, float *v);

/** Remember v[parameters] as the client's momentum of this round. */
void fed_momenta_store(fed_momenta_t *momenta, uint32_t client, const float *v);

/** The round is complete: what was stored becomes the clients' own. */
void fed_momenta_commit(fed_momenta_t *momenta);

#endif
