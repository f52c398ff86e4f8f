/** The participants of a round: who trains, from what, and what each counts for. */
#ifndef FEDMPI_SIM_PARTICIPANTS_H
#define FEDMPI_SIM_PARTICIPANTS_H

#include "fedmpi/fl/selection.h"
#include "fedmpi/sim/engine.h"

typedef struct fed_participants {
    const fed_problem_t *problem; /**< borrowed */
    fed_selection_t selection;
    double *weights;   /**< p_k, [selection.capacity] */
    fed_task_t *tasks; /**< one a participant, [count] */
    size_t count;
    double share; /**< of the whole federation's weight, 0 .. 1 */
} fed_participants_t;

void fed_participants_init(fed_participants_t *participants, const fed_problem_t *problem);
void fed_participants_fini(fed_participants_t *participants);

/** Draw those of a round, with weights as federated.weighting says. Local, the same on all ranks.
 * @param from  the block of FED_OWNER_DOWN that they start from, borrowed */
void fed_participants_draw(fed_participants_t *participants, int64_t round, const float *from);

#endif
