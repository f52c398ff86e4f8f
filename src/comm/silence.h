/* Ranks that do not answer for so long that nobody can hope for them any more.
 *
 * A lost node closes no connection: who waits for its ranks waits for ever. So each rank that
 * waits asks again and again who is there, the server all others and the others the server, and
 * ends the run where one of those has not been heard of for too long. Who is only slow answers,
 * and is waited for.
 */
#ifndef FEDMPI_COMM_SILENCE_H
#define FEDMPI_COMM_SILENCE_H

#include "fedmpi/comm/comm.h"

typedef struct fed_silence {
    double give_up_after; /* seconds that the user wants; 0: by what is expected */
    double asked_at;      /* the last time, or when the wait began */
    int questions;        /* asked in this wait */
} fed_silence_t;

/* To be called again and again while a rank waits; does not return where it gives up.
 * @param began  the wait, on fed_clock_seconds; @param now */
void fed_silence_look(fed_comm_t *comm, double began, double now);

#endif
