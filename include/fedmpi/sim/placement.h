/** Schedule: where the participants of a round train. */
#ifndef FEDMPI_SIM_PLACEMENT_H
#define FEDMPI_SIM_PLACEMENT_H

#include <stddef.h>
#include <stdint.h>

/** Give tasks to workers, costliest first to the least loaded: the longest finishes
 * at most 4/3 times as late as in the best schedule (Graham 1969).
 * @param cost    [tasks]
 * @param worker  [out] [tasks]: 0 .. workers-1
 * @param order   [out] [tasks]: the tasks, costliest first; or NULL */
void fed_place(const size_t *cost, size_t tasks, size_t workers, uint32_t *worker, uint32_t *order);

#endif
