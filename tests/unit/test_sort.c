/* Sorts, heaps and norms against plain twins. */
#include "fedmpi/core/random.h"
#include "fedmpi/core/sort.h"
#include "fedmpi/math/norm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MOST 70

static uint32_t draw(uint32_t who, uint32_t index, uint32_t bound) {
    fed_stream_t stream = {.seed = 7, .purpose = 1, .who = who};
    uint32_t words[4];
    fed_random_words(&stream, index, words);
    return words[0] % bound;
}

/* Few different numbers, so that many are equal; the largest do not fit into int. */
static void test_sorts(void **state) {
    (void)state;
    for (uint32_t count = 0; count <= MOST; count++) {
        uint32_t small[MOST];
        uint64_t large[MOST];
        double reals[MOST], sum = 0, sorted_sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            small[i] = UINT32_MAX - draw(count, i, 30);
            large[i] = (uint64_t)draw(count, i, 30) << 40;
            reals[i] = (double)draw(count, i, 30) - 15;
            sum += reals[i];
        }
        fed_sort_uint32(small, count);
        fed_sort_uint64(large, count);
        fed_sort_doubles(reals, count);
        for (uint32_t i = 0; i < count; i++) {
            sorted_sum += reals[i];
            assert_true(i == 0 || small[i - 1] <= small[i]);
            assert_true(i == 0 || large[i - 1] <= large[i]);
            assert_true(i == 0 || reals[i - 1] <= reals[i]);
        }
        assert_true(sum == sorted_sum);
    }
    fed_sort_doubles(NULL, 0);
}

static uint32_t top_of(fed_heap_order_t order, const size_t *sizes, uint32_t count) {
    uint32_t top = 0;
    for (uint32_t i = 1; i < count; i++)
        if (order == FED_SMALLEST_FIRST ? sizes[i] < sizes[top] : sizes[i] > sizes[top])
            top = i;
    return top;
}

/* The top is always the extreme one, of equal ones the first, while it changes. */
static void check_heap(fed_heap_order_t order, uint32_t count) {
    fed_sized_t heap[MOST];
    size_t sizes[MOST];
    for (uint32_t i = 0; i < count; i++)
        heap[i] = (fed_sized_t){sizes[i] = 50 + draw(count, i, 10), i};
    fed_heap_build(order, heap, count);
    for (uint32_t turn = 0; turn < 200; turn++) {
        uint32_t top = top_of(order, sizes, count);
        assert_int_equal(heap[0].who, top);
        assert_int_equal(heap[0].size, sizes[top]);
        size_t change = draw(1000 + count, turn, 4);
        sizes[top] += order == FED_SMALLEST_FIRST ? change : (size_t)0 - change;
        heap[0].size = sizes[top];
        fed_heap_settle(order, heap, count);
    }
}

static void test_heaps(void **state) {
    (void)state;
    for (uint32_t count = 1; count <= MOST; count++) {
        check_heap(FED_SMALLEST_FIRST, count);
        check_heap(FED_LARGEST_FIRST, MOST + 1 - count);
    }
    fed_heap_build(FED_LARGEST_FIRST, NULL, 0);
}

/* Small integers: exact in any order. */
static void test_norms(void **state) {
    (void)state;
    float x[MOST], zero[MOST] = {0};
    double wide[MOST];
    for (uint32_t n = 0; n <= MOST; n++) {
        double squares = 0;
        for (uint32_t j = 0; j < n; j++) {
            wide[j] = x[j] = (float)draw(n, j, 20) - 10;
            squares += wide[j] * wide[j];
        }
        assert_true(fed_norm(n, x) == sqrt(squares));
        assert_true(fed_norm_double(n, wide) == sqrt(squares));
        assert_true(fed_norm_difference(n, x, zero) == sqrt(squares));
        assert_true(fed_norm_difference(n, zero, x) == sqrt(squares));
        assert_true(fed_norm_difference(n, x, x) == 0);
    }
    x[0] = 3e38F; /* its square is no float */
    assert_true(fed_norm(1, x) == (double)x[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorts),
        cmocka_unit_test(test_heaps),
        cmocka_unit_test(test_norms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
