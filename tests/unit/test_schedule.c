/* Where each client trains: near the best, and as the method says. */
#include "support.h"

#include "fedmpi/sim/placement.h"

static size_t longest(const size_t *cost, const uint32_t *worker, size_t tasks, size_t workers) {
    size_t load[8] = {0}, longest = 0;
    for (size_t i = 0; i < tasks; i++) {
        assert_true(worker[i] < workers);
        load[worker[i]] += cost[i];
    }
    for (size_t w = 0; w < workers; w++)
        longest = load[w] > longest ? load[w] : longest;
    return longest;
}

/* The best of all assignments. */
static size_t best_longest(const size_t *cost, size_t tasks, size_t workers) {
    size_t assignments = 1, best = SIZE_MAX;
    for (size_t i = 0; i < tasks; i++)
        assignments *= workers;
    for (size_t code = 0; code < assignments; code++) {
        uint32_t worker[8];
        for (size_t i = 0, rest = code; i < tasks; i++, rest /= workers)
            worker[i] = (uint32_t)(rest % workers);
        size_t this = longest(cost, worker, tasks, workers);
        best = this < best ? this : best;
    }
    return best;
}

static void placement_is_within_four_thirds_of_the_best(void **state) {
    (void)state;
    for (size_t trial = 0; trial < trials(300); trial++) {
        size_t tasks = 1 + any_below(7), workers = 1 + any_below(3), cost[8];
        uint32_t worker[8], order[8];
        for (size_t i = 0; i < tasks; i++)
            cost[i] = any_below(20);
        fed_place(cost, tasks, workers, worker, order);
        assert_true(3 * longest(cost, worker, tasks, workers) <=
                    4 * best_longest(cost, tasks, workers));
    }
}

/* Costliest first, each to the least loaded, by looking at all. */
static void place_by_hand(const size_t *cost, size_t tasks, size_t workers, uint32_t *worker,
                          uint32_t *order) {
    bool placed[100] = {false};
    size_t load[8] = {0};
    for (size_t n = 0; n < tasks; n++) {
        size_t next = SIZE_MAX, least = 0;
        for (size_t i = 0; i < tasks; i++)
            if (!placed[i] && (next == SIZE_MAX || cost[i] > cost[next]))
                next = i;
        for (size_t w = 1; w < workers; w++)
            least = load[w] < load[least] ? w : least;
        placed[next] = true;
        order[n] = (uint32_t)next;
        worker[next] = (uint32_t)least;
        load[least] += cost[next];
    }
}

static void placement_matches_its_plain_twin(void **state) {
    (void)state;
    for (size_t trial = 0; trial < trials(300); trial++) {
        size_t tasks = any_below(100), workers = 1 + any_below(8), cost[100];
        uint32_t worker[100], expected[100], order[100], expected_order[100];
        for (size_t i = 0; i < tasks; i++)
            cost[i] = any_below(10);
        fed_place(cost, tasks, workers, worker, order);
        place_by_hand(cost, tasks, workers, expected, expected_order);
        for (size_t i = 0; i < tasks; i++) {
            assert_int_equal(worker[i], expected[i]);
            assert_int_equal(order[i], expected_order[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(placement_is_within_four_thirds_of_the_best),
        TEST(placement_matches_its_plain_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
