/** Sorting and ranking plain numbers. */
#ifndef FEDMPI_CORE_SORT_H
#define FEDMPI_CORE_SORT_H

#include <stddef.h>
#include <stdint.h>

/** Put [count] numbers in ascending order. */
void fed_sort_uint32(uint32_t *numbers, size_t count);
void fed_sort_uint64(uint64_t *numbers, size_t count);
void fed_sort_doubles(double *numbers, size_t count); /**< none of them NaN */

/** What stands in a heap: a size and whose it is. */
typedef struct fed_sized {
    size_t size;
    uint32_t who;
} fed_sized_t;

/** Which of two stands nearer to the top; of equal sizes the smaller `who`, so that the top is
 * always the same. */
typedef enum fed_heap_order { FED_SMALLEST_FIRST, FED_LARGEST_FIRST } fed_heap_order_t;

/** Make a binary heap of [count]: items[0] is then the smallest, or largest. */
void fed_heap_build(fed_heap_order_t order, fed_sized_t *items, size_t count);

/** The size of items[0] has changed: put it where it belongs. */
void fed_heap_settle(fed_heap_order_t order, fed_sized_t *items, size_t count);

#endif
