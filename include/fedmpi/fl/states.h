/** States: what clients keep from round to round.
 *
 * So many n-vectors for each client that has trained on this rank: the algorithm's
 * own (SCAFFOLD's control, FedDyn's gradient) and the momentum if it persists. They
 * are made when the client first trains, and start from zero. A round works on
 * copies that become the clients' own when the round is complete: a round that is
 * given up leaves no trace.
 */
#ifndef FEDMPI_FL_STATES_H
#define FEDMPI_FL_STATES_H

#include <stddef.h>
#include <stdint.h>

typedef struct fed_states {
    size_t clients;
    size_t length;     /**< floats of one client's state: vectors times parameters */
    float **kept;      /**< [clients]: [length], or NULL: zero */
    float **next;      /**< [clients]: the round's, or NULL: unchanged */
    uint32_t *touched; /**< clients opened in this round, [touched_count] */
    size_t touched_count;
} fed_states_t;

/** @param length  of one client's state; 0: nothing is kept, and no memory taken */
void fed_states_init(fed_states_t *states, size_t clients, size_t length);
void fed_states_fini(fed_states_t *states);

/** The client's state of this round, to change in place: [length], as it was after the
 * last complete round, also when it was opened before. NULL where length is 0. */
float *fed_states_open(fed_states_t *states, uint32_t client);

/** The client's part in the round does not count: its state stays as it was. */
void fed_states_discard(fed_states_t *states, uint32_t client);

/** Nothing of the round counts. */
void fed_states_abandon(fed_states_t *states);

/** The round is complete: what was opened becomes the clients' own. */
void fed_states_commit(fed_states_t *states);

#endif
