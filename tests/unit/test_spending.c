/* The ledger of a run: what it says of rounds, how far a budget goes, and what checkpoints hold. */
#include "support.h"

#include "fedmpi/run/rooms.h"
#include "fedmpi/run/spending.h"

#include <math.h>

static fed_config_t config;
static fed_privacy_t privacy;

static int set_up(void **state) {
    (void)state;
    const fed_partition_t partition = {.clients = 100};
    fed_config_init(&config, fed_rooms);
    set(&config, "privacy.mechanism", "gaussian");
    set(&config, "federated.sampling", "poisson");
    privacy = fed_privacy_of(&config);
    assert_ok(fed_privacy_settle(&privacy, &config, fed_sampler_of(&config), &partition));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fed_config_fini(&config);
    return fed_memory_live() != 0;
}

static void rounds_add_up(void **state) {
    (void)state;
    fed_spending_t spending;
    fed_privacy_row_t row;
    fed_spending_init(&spending, &config, &privacy);
    fed_epsilon_t forecast = fed_spending_forecast(&spending, 3);
    for (int64_t round = 1; round <= 3; round++) {
        const fed_round_row_t of = {.round = round, .clip_norm = 2, .noise_deviation = 0.2};
        fed_spending_add(&spending, &of, &row);
        assert_true(row.round == round && row.clip_norm == 2 && row.noise_deviation == 0.2);
        assert_true(row.sampling == 0.1 && row.expected == 10 && row.noise_multiplier == 1);
    }
    assert_true(row.epsilon == forecast.estimate && row.epsilon_upper == forecast.upper);
    set(&config, "privacy.epsilon_budget", "%.17g", forecast.upper);
    assert_int_equal(fed_spending_last_round(&spending, 3, 10), 3);
    set(&config, "privacy.epsilon_budget", "0");
    assert_int_equal(fed_spending_last_round(&spending, 3, 10), 10);
    fed_spending_fini(&spending);
}

/* Noise that changes in every round leaves no room for all of its kinds: charged as the worst. */
static void a_full_ledger_is_charged_as_its_worst(void **state) {
    (void)state;
    fed_spending_t spending;
    fed_privacy_row_t row;
    fed_spending_init(&spending, &config, &privacy);
    for (int round = 1; round <= FED_LEDGER_MOST + 1; round++) {
        privacy.noise = 2 + round;
        fed_spending_add(&spending, &(fed_round_row_t){.round = round}, &row);
    }
    assert_int_equal(spending.ledger.count, 1);
    assert_true(spending.ledger.entries[0].noise == 3 &&
                spending.ledger.entries[0].times == FED_LEDGER_MOST + 1);
    fed_spending_fini(&spending);
}

/* A ledger that came from a file. */
static fed_status_t get(const double *saved, size_t count, int64_t rounds) {
    fed_bundle_t bundle = {0};
    fed_spending_t spending;
    fed_spending_init(&spending, &config, &privacy);
    fed_bundle_put(&bundle, "privacy/ledger", FED_FLOAT64, count, saved);
    fed_status_t status = fed_spending_get(&spending, &bundle, rounds);
    fed_bundle_fini(&bundle);
    fed_spending_fini(&spending);
    return status;
}

static void checkpoints_hold_the_ledger(void **state) {
    (void)state;
    fed_spending_t spending, again;
    fed_bundle_t bundle = {0};
    fed_privacy_row_t row;
    fed_spending_init(&spending, &config, &privacy);
    fed_spending_add(&spending, &(fed_round_row_t){.round = 1}, &row);
    privacy.noise = 2;
    fed_spending_add(&spending, &(fed_round_row_t){.round = 2}, &row);
    fed_spending_put(&spending, &bundle);
    fed_spending_init(&again, &config, &privacy);
    assert_ok(fed_spending_get(&again, &bundle, 2));
    assert_int_equal(again.ledger.count, 2);
    assert_true(again.epsilon.estimate == spending.epsilon.estimate);
    assert_fails(FED_INPUT, "is not of 3 rounds", fed_spending_get(&again, &bundle, 3));
    fed_bundle_fini(&bundle);
    fed_spending_fini(&again);
    fed_spending_fini(&spending);

    double saved[3 * FED_LEDGER_MOST] = {0.1, 1, 5};
    assert_ok(get(saved, 3 * FED_LEDGER_MOST, 5));
    assert_fails(FED_INPUT, "privacy/ledger", get(saved, 7, 5));
    const double impossible[] = {-1, 2, NAN, INFINITY, 1e300};
    for (size_t part = 0; part < 3; part++)
        for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
            double before = saved[part];
            saved[part] = impossible[i];
            if (part == 0 || impossible[i] != 2) /* noise and times may be 2 */
                assert_fails(FED_INPUT, "impossible privacy ledger",
                             get(saved, 3 * FED_LEDGER_MOST, 5));
            saved[part] = before;
        }
    saved[2] = 4.5;
    assert_fails(FED_INPUT, "impossible privacy ledger", get(saved, 3 * FED_LEDGER_MOST, 5));
}

static void what_promises_nothing_spends_nothing(void **state) {
    (void)state;
    fed_spending_t spending;
    fed_bundle_t bundle = {0};
    set(&config, "privacy.mechanism", "none");
    privacy = fed_privacy_of(&config);
    fed_spending_init(&spending, &config, &privacy);
    assert_int_equal(fed_spending_last_round(&spending, 2, 10), 10);
    fed_spending_put(&spending, &bundle);
    assert_ok(fed_spending_get(&spending, &bundle, 2));
    assert_null(bundle.block);
    fed_spending_fini(&spending);
}

/* Of 32 samples all are in the one step of an epoch; of 33 nearly all, twice. */
static void samples_that_risk_most_are_accounted(void **state) {
    (void)state;
    size_t first[] = {0, 32, 65, 1065};
    const fed_partition_t partition = {.clients = 3, .first = first};
    fed_comm_t *comm = fed_comm_alone();
    set(&config, "privacy.mechanism", "dp_sgd");
    set(&config, "training.clip_sample_norm", "1");
    set(&config, "training.epochs", "1");
    for (int target = 0; target < 2; target++) {
        set(&config, "privacy.target_epsilon", target ? "5" : "0");
        privacy = fed_privacy_of(&config);
        assert_ok(fed_privacy_settle(&privacy, &config, fed_sampler_of(&config), &partition));
        assert_true(privacy.sampling == 1 && privacy.times == 1);
        assert_ok(fed_spending_calibrate(&config, comm, &partition, &privacy));
        assert_true(privacy.sampling == 32.0 / 33 && privacy.times == 2);
        fed_spending_t spending;
        fed_spending_init(&spending, &config, &privacy);
        double epsilon = fed_spending_forecast(&spending, 20).upper; /* federated.rounds */
        assert_true(target ? epsilon <= 5 && epsilon > 4.95 : epsilon > 30);
        fed_spending_fini(&spending);
    }
    fed_comm_destroy(comm);
}

#define SPENDING_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        SPENDING_TEST(rounds_add_up),
        SPENDING_TEST(a_full_ledger_is_charged_as_its_worst),
        SPENDING_TEST(checkpoints_hold_the_ledger),
        SPENDING_TEST(what_promises_nothing_spends_nothing),
        SPENDING_TEST(samples_that_risk_most_are_accounted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
