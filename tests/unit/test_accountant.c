/* The accountant against dp-accounting and integrals (tests/golden/make_privacy.py), published
 * numbers, and what must hold of any. */
#include "support.h"

#include "golden.h"

#include "fedmpi/privacy/accountant.h"
#include "fedmpi/privacy/rdp.h"

#include <math.h>

#define GOLDEN "tests/golden/privacy.h5"

static fed_ledger_t only(double sampling, double noise, double times) {
    return (fed_ledger_t){{{sampling, noise, times}}, 1};
}

static fed_epsilon_t epsilon_of(const fed_ledger_t *ledger, double delta) {
    fed_accountant_t *accountant = fed_accountant_create(delta);
    fed_epsilon_t epsilon = fed_accountant_epsilon(accountant, ledger);
    fed_accountant_destroy(accountant);
    return epsilon;
}

/* Columns of a group of the golden file. */
typedef struct columns {
    double *values[8];
    size_t rows;
} columns_t;

static columns_t read_columns(const char *group, const char *const *names) {
    columns_t columns = {0};
    hid_t file = golden_open(GOLDEN);
    for (size_t i = 0; names[i]; i++) {
        GOLDEN_PATH(path, "%s/%s", group, names[i]);
        columns.values[i] = golden_doubles(file, path, &columns.rows);
    }
    H5Fclose(file);
    return columns;
}

static void free_columns(columns_t *columns) {
    for (size_t i = 0; i < 8; i++)
        free(columns->values[i]);
}

static double next_order(double order) {
    if (order < 63)
        return order + 1;
    return order < 128 ? 128 : 2 * order;
}

/* Canonne et al. 2020, Proposition 12, for orders that dp-accounting sums up exactly. */
static double epsilon_by_whole_orders(double sampling, double noise, double times, double delta) {
    double least = INFINITY;
    for (double order = 2; order <= 1024; order = next_order(order)) {
        double divergence = times * fed_rdp(sampling, noise, order);
        least = fmin(least, divergence + log1p(-1 / order) - log(delta * order) / (order - 1));
    }
    return fmax(least, 0);
}

static void epsilon_is_that_of_dp_accounting(void **state) {
    (void)state;
    columns_t golden =
        read_columns("epsilon", (const char *const[]){"noise", "sampling", "times", "delta", "rdp",
                                                      "default_rdp", "pld", NULL});
    double **row = golden.values;
    assert_true(golden.rows >= 40);
    size_t step = golden.rows / trials(trials(golden.rows)); /* all, or some */
    for (size_t i = 0; i < golden.rows; i += step) {
        double noise = row[0][i], sampling = row[1][i], times = row[2][i], delta = row[3][i];
        double rdp = row[4][i], default_rdp = row[5][i], pld = row[6][i];
        fed_ledger_t ledger = only(sampling, noise, times);
        fed_epsilon_t epsilon = epsilon_of(&ledger, delta);
        assert_float_equal(epsilon.estimate, pld, fmax(1e-3 * pld, 3e-4)); /* its grid is 1e-4 */
        assert_true(epsilon.lower <= pld + 1e-6 && pld <= epsilon.upper + 1e-6); /* it rounds up */
        assert_true(epsilon.upper - epsilon.lower <= 0.01);
        assert_float_equal(epsilon_by_whole_orders(sampling, noise, times, delta), rdp,
                           1e-6 * (1 + rdp));
        assert_true(epsilon.rdp <= default_rdp + 1e-6 && epsilon.rdp >= epsilon.lower);
    }
    free_columns(&golden);
}

static void divergences_are_the_integrals(void **state) {
    (void)state;
    columns_t golden = read_columns(
        "divergence", (const char *const[]){"noise", "sampling", "order", "value", NULL});
    double **row = golden.values;
    assert_true(golden.rows >= 40);
    for (size_t i = 0; i < golden.rows; i++)
        assert_float_equal(fed_rdp(row[1][i], row[0][i], row[2][i]), row[3][i],
                           1e-7 * row[3][i] + 1e-15);
    free_columns(&golden);
}

/* Opacus's tutorial and tests, TensorFlow Privacy's vector, and closed forms. */
static void published_numbers_come_out(void **state) {
    (void)state;
    fed_ledger_t opacus = only(0.04, 1.5, 2250);
    assert_float_equal(fed_rdp_epsilon(&opacus, 1e-5), 7.32911117, 1e-6);
    /* Where the order is no whole number the published ones are upper bounds. */
    const struct {
        double order, least, divergence;
    } vector[] = {{1.5, 0.96, 6.70579741e-4},
                  {2.5, 0.99, 1.08548710e-3},
                  {5, 1 - 1e-5, 2.18075656e-3},
                  {50, 1 - 1e-5, 2.38460375e-2},
                  {100, 1 - 1e-5, 167.416308}};
    for (size_t i = 0; i < sizeof vector / sizeof *vector; i++) {
        double part = 50 * fed_rdp(0.01, 2.5, vector[i].order) / vector[i].divergence;
        assert_true(part >= vector[i].least && part <= 1 + 1e-5);
    }
    fed_ledger_t once = only(1, 1, 1);
    assert_float_equal(epsilon_of(&once, 1e-5).estimate, 4.377178, 1e-6);
    fed_ledger_t three = only(1, sqrt(3), 3); /* three times a third is once */
    assert_float_equal(epsilon_of(&three, 0.126936).estimate, 1, 1e-5);
    fed_ledger_t sampled = only(0.2, 0.5, 3);
    fed_epsilon_t epsilon = epsilon_of(&sampled, 0.15594);
    assert_true(epsilon.lower <= 1 && 1 <= epsilon.upper);
}

/* Two mechanisms that are one, and one that is written as two. */
static void mechanisms_add_up(void **state) {
    (void)state;
    fed_ledger_t whole = only(0.05, 1.1, 40), parts = {0};
    assert_true(fed_ledger_add(&parts, 0.05, 1.1, 24));
    assert_true(fed_ledger_add(&parts, 0.05, 1.1, 16));
    assert_int_equal(parts.count, 1);
    assert_float_equal(epsilon_of(&whole, 1e-6).estimate, epsilon_of(&parts, 1e-6).estimate, 0);

    fed_ledger_t close = {0}; /* noise that hardly differs: the same, but for the composition */
    assert_true(fed_ledger_add(&close, 0.05, 1.1, 24));
    assert_true(fed_ledger_add(&close, 0.05, 1.1 + 1e-9, 16));
    assert_int_equal(close.count, 2);
    assert_float_equal(epsilon_of(&whole, 1e-6).estimate, epsilon_of(&close, 1e-6).estimate, 1e-6);

    fed_ledger_t full = {0};
    for (size_t i = 0; i < FED_LEDGER_MOST; i++)
        assert_true(fed_ledger_add(&full, 0.1, 1 + (double)i, 1));
    assert_false(fed_ledger_add(&full, 0.1, 0.5, 1));
    assert_float_equal(fed_ledger_times(&full), FED_LEDGER_MOST, 0);
}

static void nothing_costs_nothing_and_no_noise_everything(void **state) {
    (void)state;
    fed_ledger_t nothing = {0}, nobody = only(0, 1, 10), bare = only(0.1, 0, 1);
    assert_float_equal(epsilon_of(&nothing, 1e-5).upper, 0, 0);
    assert_float_equal(epsilon_of(&nobody, 1e-5).upper, 0, 0);
    assert_true(isinf(epsilon_of(&bare, 1e-5).lower));
    fed_ledger_t faint = only(0.1, 0.05, 50), shout = only(1, 0.05, 50);
    assert_true(epsilon_of(&faint, 1e-5).upper < 4000 && epsilon_of(&shout, 1e-5).upper > 10000);
    assert_true(isfinite(epsilon_of(&shout, 1e-5).upper));
}

/* Asked for one round after another it keeps its grids, and says what it says when asked once. */
static void rounds_are_accounted_one_by_one(void **state) {
    (void)state;
    fed_accountant_t *accountant = fed_accountant_create(1e-5);
    fed_ledger_t ledger = {0};
    double before = 0;
    for (size_t round = 1; round <= trials(20); round++) {
        assert_true(fed_ledger_add(&ledger, 0.1, 1, 1));
        fed_epsilon_t grown = fed_accountant_epsilon(accountant, &ledger);
        fed_epsilon_t once = epsilon_of(&ledger, 1e-5);
        assert_true(grown.lower <= once.upper && once.lower <= grown.upper);
        assert_float_equal(grown.estimate, once.estimate, 2e-4);
        assert_true(grown.estimate > before && grown.upper - grown.lower <= 0.01);
        before = grown.estimate;
    }
    fed_accountant_destroy(accountant);
}

static void a_budget_is_used_up_and_not_exceeded(void **state) {
    (void)state;
    fed_accountant_t *accountant = fed_accountant_create(1e-5);
    const double budgets[] = {0.5, 0.001, 2, 3.7, 100};
    const int64_t times = (int64_t)trials(500);
    for (size_t i = 0; i < trials(sizeof budgets / sizeof *budgets); i++) {
        fed_ledger_t spent = only(0.02, 1.2, 10);
        int64_t more = fed_accountant_affords(accountant, &spent, &(fed_mechanism_t){0.02, 1.2, 1},
                                              times, budgets[i]);
        spent.entries[0].times += (double)more;
        if (more > 0)
            assert_true(fed_accountant_epsilon(accountant, &spent).upper <= budgets[i]);
        spent.entries[0].times++;
        if (more < times)
            assert_true(fed_accountant_epsilon(accountant, &spent).upper > budgets[i]);
    }
    const fed_mechanism_t steps = {0.02, 1.2, 7}; /* of a unit */
    fed_ledger_t spent = only(0.02, 1.2, 10);
    int64_t singles =
        fed_accountant_affords(accountant, &spent, &(fed_mechanism_t){0.02, 1.2, 1}, times, 0.5);
    assert_true(singles > 0 && singles < times);
    assert_int_equal(fed_accountant_affords(accountant, &spent, &steps, times, 0.5), singles / 7);
    fed_ledger_t full = {0};
    for (size_t i = 0; i < FED_LEDGER_MOST; i++)
        assert_true(fed_ledger_add(&full, 0.1, 5 + (double)i, 1));
    assert_int_equal(
        fed_accountant_affords(accountant, &full, &(fed_mechanism_t){0.1, 1, 1}, 5, 100), 0);
    fed_accountant_destroy(accountant);
}

static void noise_is_the_least_that_keeps_within(void **state) {
    (void)state;
    const struct {
        double sampling, times, delta, epsilon;
    } cases[] = {{0.1, 30, 1e-6, 3},      {0.01, 1000, 1e-5, 1},
                 {0.01, 200, 1e-6, 0.03}, /* where Renyi orders bound more closely */
                 {1, 20, 1e-5, 8},        {0.04, 200, 1e-5, 30},
                 {1, 1, 1e-5, 1}};
    for (size_t i = 0; i < trials(sizeof cases / sizeof *cases); i++) {
        fed_accountant_t *accountant = fed_accountant_create(cases[i].delta);
        double noise = fed_accountant_noise(accountant, cases[i].sampling, (int64_t)cases[i].times,
                                            cases[i].epsilon);
        fed_ledger_t enough = only(cases[i].sampling, noise, cases[i].times);
        fed_ledger_t less = only(cases[i].sampling, noise - 1e-4, cases[i].times);
        assert_true(epsilon_of(&enough, cases[i].delta).upper <= cases[i].epsilon);
        assert_true(epsilon_of(&less, cases[i].delta).upper > cases[i].epsilon - 1e-6);
        assert_float_equal(noise * 1e4, round(noise * 1e4), 1e-6);
        fed_accountant_destroy(accountant);
    }
    fed_accountant_t *accountant = fed_accountant_create(1e-5);
    assert_float_equal(fed_accountant_noise(accountant, 1, 1, 1), 3.7307, 0); /* 3.730632 */
    assert_true(isinf(fed_accountant_noise(accountant, 1, 1000000, 1e-6)));
    fed_accountant_destroy(accountant);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(epsilon_is_that_of_dp_accounting),
        TEST(divergences_are_the_integrals),
        TEST(published_numbers_come_out),
        TEST(mechanisms_add_up),
        TEST(nothing_costs_nothing_and_no_noise_everything),
        TEST(rounds_are_accounted_one_by_one),
        TEST(a_budget_is_used_up_and_not_exceeded),
        TEST(noise_is_the_least_that_keeps_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
