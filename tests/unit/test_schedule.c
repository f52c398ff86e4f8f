/* Who takes part, and where each trains. */
#include "support.h"

#include "fedmpi/fl/schedule.h"

#include <math.h>

static void assert_identity(const fed_selection_t *selection) {
    for (size_t k = 0; k < selection->clients; k++)
        assert_int_equal(selection->shuffled[k], k);
}

static void a_draw_is_a_set_in_order(void **state) {
    (void)state;
    for (size_t clients = 1; clients < 40; clients++) {
        fed_selection_t selection;
        size_t drawn = 1 + any_below(clients);
        fed_selection_init(&selection, clients, drawn);
        for (uint32_t round = 1; round < 50; round++) {
            fed_selection_draw(&selection, 7, round);
            assert_int_equal(selection.per_round, drawn);
            for (size_t i = 0; i < drawn; i++) {
                assert_true(selection.chosen[i] < clients);
                assert_true(i == 0 || selection.chosen[i - 1] < selection.chosen[i]);
            }
            assert_identity(&selection);
        }
        fed_selection_fini(&selection);
    }
}

static void zero_or_too_many_are_all(void **state) {
    (void)state;
    for (size_t per_round = 0; per_round < 12; per_round += 5) {
        fed_selection_t selection;
        fed_selection_init(&selection, 5, per_round);
        fed_selection_draw(&selection, 1, 1);
        assert_int_equal(selection.per_round, 5);
        for (uint32_t k = 0; k < 5; k++)
            assert_int_equal(selection.chosen[k], k);
        fed_selection_fini(&selection);
    }
}

/* Each of the 10 sets of 2 out of 5, and so each client, equally often. */
static void every_set_is_equally_likely(void **state) {
    (void)state;
    enum { DRAWS = 20000 };
    size_t counts[5][5] = {{0}};
    fed_selection_t selection;
    fed_selection_init(&selection, 5, 2);
    for (uint32_t round = 0; round < DRAWS; round++) {
        fed_selection_draw(&selection, 11, round);
        counts[selection.chosen[0]][selection.chosen[1]]++;
    }
    double expected = DRAWS / 10.0, squares = 0;
    for (size_t a = 0; a < 5; a++)
        for (size_t b = a + 1; b < 5; b++)
            squares += pow((double)counts[a][b] - expected, 2) / expected;
    assert_true(squares < 9 + 4 * sqrt(2.0 * 9)); /* chi-squared, 9 degrees of freedom */
    fed_selection_fini(&selection);
}

static void a_draw_depends_on_seed_and_round_only(void **state) {
    (void)state;
    fed_selection_t first, second;
    fed_selection_init(&first, 1000, 10);
    fed_selection_init(&second, 1000, 10);
    for (uint32_t round = 1; round < 20; round++)
        fed_selection_draw(&first, 3, round);
    fed_selection_draw(&second, 3, 19);
    assert_memory_equal(first.chosen, second.chosen, 10 * sizeof(uint32_t));
    fed_selection_draw(&second, 4, 19);
    assert_memory_not_equal(first.chosen, second.chosen, 10 * sizeof(uint32_t));
    fed_selection_fini(&first);
    fed_selection_fini(&second);
}

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
        uint32_t worker[8];
        for (size_t i = 0; i < tasks; i++)
            cost[i] = any_below(20);
        fed_place(cost, tasks, workers, worker);
        assert_true(3 * longest(cost, worker, tasks, workers) <=
                    4 * best_longest(cost, tasks, workers));
    }
}

/* Costliest first, each to the least loaded, by looking at all. */
static void place_by_hand(const size_t *cost, size_t tasks, size_t workers, uint32_t *worker) {
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
        worker[next] = (uint32_t)least;
        load[least] += cost[next];
    }
}

static void placement_matches_its_plain_twin(void **state) {
    (void)state;
    for (size_t trial = 0; trial < trials(300); trial++) {
        size_t tasks = any_below(100), workers = 1 + any_below(8), cost[100];
        uint32_t worker[100], expected[100];
        for (size_t i = 0; i < tasks; i++)
            cost[i] = any_below(10);
        fed_place(cost, tasks, workers, worker);
        place_by_hand(cost, tasks, workers, expected);
        for (size_t i = 0; i < tasks; i++)
            assert_int_equal(worker[i], expected[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_draw_is_a_set_in_order),
        TEST(zero_or_too_many_are_all),
        TEST(every_set_is_equally_likely),
        TEST(a_draw_depends_on_seed_and_round_only),
        TEST(placement_is_within_four_thirds_of_the_best),
        TEST(placement_matches_its_plain_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
