/** Placement: which rank trains which client. */
#ifndef FEDMPI_SIM_PLACEMENT_H
#define FEDMPI_SIM_PLACEMENT_H

#include "fedmpi/comm/comm.h"
#include "fedmpi/sim/problem.h"

#include <stddef.h>
#include <stdint.h>

/** Give tasks to workers, costliest first to the least loaded: the longest finishes
 * at most 4/3 times as late as in the best placement (Graham 1969).
 * @param cost    [tasks]
 * @param worker  [out] [tasks]: 0 .. workers-1
 * @param order   [out] [tasks]: the tasks, costliest first; or NULL */
void fed_place(const size_t *cost, size_t tasks, size_t workers, uint32_t *worker, uint32_t *order);

/** Where every client trains if all take part, and where each stays whose state is kept. The same
 * on every rank. Local.
 * @param rank  [out] [clients] */
void fed_placement_all(const fed_comm_t *comm, const fed_problem_t *problem, uint32_t *rank);

#endif
