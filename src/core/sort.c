/* Sorting and ranking plain numbers. */
#include "fedmpi/core/sort.h"

#include <stdbool.h>
#include <stdlib.h>

static int compare_uint32(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static int compare_uint64(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static int compare_doubles(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

void fed_sort_uint32(uint32_t *numbers, size_t count) {
    if (count > 1)
        qsort(numbers, count, sizeof *numbers, compare_uint32);
}

void fed_sort_uint64(uint64_t *numbers, size_t count) {
    if (count > 1)
        qsort(numbers, count, sizeof *numbers, compare_uint64);
}

void fed_sort_doubles(double *numbers, size_t count) {
    if (count > 1)
        qsort(numbers, count, sizeof *numbers, compare_doubles);
}

static bool stands_above(fed_heap_order_t order, const fed_sized_t *a, const fed_sized_t *b) {
    if (a->size == b->size)
        return a->who < b->who;
    return order == FED_SMALLEST_FIRST ? a->size < b->size : a->size > b->size;
}

static void sift_down(fed_heap_order_t order, fed_sized_t *items, size_t count, size_t at) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < count && stands_above(order, &items[child + 1], &items[child]))
            child++;
        if (child >= count || !stands_above(order, &items[child], &items[at]))
            return;
        fed_sized_t lower = items[at];
        items[at] = items[child];
        items[child] = lower;
        at = child;
    }
}

void fed_heap_build(fed_heap_order_t order, fed_sized_t *items, size_t count) {
    for (size_t at = count / 2; at-- > 0;)
        sift_down(order, items, count, at);
}

void fed_heap_settle(fed_heap_order_t order, fed_sized_t *items, size_t count) {
    sift_down(order, items, count, 0);
}
