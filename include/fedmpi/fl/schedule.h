/** Schedule: which clients take part in a round, and where they train.
 *
 * Computed on every rank from the seed and the clients' sizes; nobody is told what
 * all know.
 */
#ifndef FEDMPI_FL_SCHEDULE_H
#define FEDMPI_FL_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

/** Draws K of all clients without replacement, each set equally likely. */
typedef struct fed_selection {
    size_t clients;     /**< of the federation */
    size_t per_round;   /**< K */
    uint32_t *shuffled; /**< [clients]: the identity between draws */
    uint32_t *chosen;   /**< [per_round]: the round's participants, ascending */
} fed_selection_t;

/** @param per_round  K; 0 or more than there are: all */
void fed_selection_init(fed_selection_t *selection, size_t clients, size_t per_round);
void fed_selection_fini(fed_selection_t *selection);

/** Draw the participants of a round into selection->chosen. Time O(K log K). */
void fed_selection_draw(fed_selection_t *selection, uint64_t seed, uint32_t round);

/** Give tasks to workers, costliest first to the least loaded: the longest finishes
 * at most 4/3 times as late as in the best schedule (Graham 1969).
 * @param cost    [tasks]
 * @param worker  [out] [tasks]: 0 .. workers-1 */
void fed_place(const size_t *cost, size_t tasks, size_t workers, uint32_t *worker);

#endif
