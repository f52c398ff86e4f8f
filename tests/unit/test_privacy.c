/* Differential privacy of clients: what is added is no longer than it may be, the noise is what was
 * promised, the bound adapts, and what would break the promise is refused. */
#include "support.h"

#include "fedmpi/fl/client.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/math/norm.h"
#include "fedmpi/run/rooms.h"

#include "fl/clippings/clippings.h"
#include "fl/encoders/encoders.h"
#include "fl/mechanisms/mechanisms.h"

#include <math.h>

static fed_config_t config;
static fed_method_t method;

static int set_up(void **state) {
    (void)state;
    fed_config_init(&config, fed_rooms);
    set(&config, "federated.sampling", "poisson");
    set(&config, "federated.weighting", "uniform");
    set(&config, "privacy.mechanism", "gaussian");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fed_method_fini(&method);
    fed_config_fini(&config);
    return fed_memory_live() != 0;
}

/* The method of the configuration for so many clients and parameters. */
static void settle(size_t clients, size_t parameters) {
    fed_method_fini(&method);
    assert_ok(fed_method_find(&method, &config));
    const fed_partition_t partition = {.clients = clients};
    assert_ok(fed_privacy_settle(&method.privacy, &config, method.sampler, &partition));
    assert_ok(fed_privacy_check_noise(&method.privacy, &config));
    fed_method_settle(&method, &config, parameters);
}

/* The block that a round starts from; the caller frees it. */
static float *start(void) {
    float *down = FED_NEW_ARRAY(float, method.slots.lengths[FED_OWNER_DOWN]);
    fed_method_start(&method, &config, down, NULL);
    return down;
}

/* --- Clipping -------------------------------------------------------------------------- */

/* What a client with these parameters adds to sums; @return whether it was clipped */
static bool add_client(const float *w, const float *down, int64_t *sums) {
    fed_place_t places[2] = {*fed_slots_place(&method.slots, &fed_slot_update)};
    fed_trainer_t trainer = {.config = &config, .method = &method, .down = down, .sums = sums};
    const fed_client_task_t task = {.weight = 1 / method.privacy.expected};
    fed_client_t client = {.trainer = &trainer, .task = &task, .w = down, .scale = 1};
    fed_message_t messages[2];
    size_t count = method.slots.counts[FED_OWNER_UP];
    if (count > 1)
        places[1] = *fed_slots_place(&method.slots, &fed_slot_within);
    for (size_t i = 0; i < count; i++)
        messages[i] = (fed_message_t){.place = &places[i],
                                      .vector = {w, down},
                                      .factor = 1,
                                      .weight = 1,
                                      .in_range = true,
                                      .update = messages,
                                      .norm = NAN};
    assert_true(fed_chain_pass(&method.chain, &client, messages, count));
    return messages[0].clipped;
}

/* The exact length of integers beside a bound: -1, 0 or 1. */
static int compare_length(const int64_t *numbers, size_t count, double bound) {
    __int128 squares = 0, most = (__int128)bound * (__int128)bound;
    for (size_t j = 0; j < count; j++)
        squares += (__int128)numbers[j] * numbers[j];
    return (squares > most) - (squares < most);
}

static void fill(float *w, size_t count, double norm) {
    double squares = 0;
    for (size_t j = 0; j < count; j++)
        w[j] = (float)any_number();
    for (size_t j = 0; j < count; j++)
        squares += (double)w[j] * (double)w[j];
    for (size_t j = 0; j < count; j++)
        w[j] = (float)((double)w[j] * norm / sqrt(squares));
}

/* Also where rounding would make it longer, and where many coordinates share few units. */
static void no_update_is_longer_than_its_bound(void **state) {
    (void)state;
    enum { MOST = 5000 };
    static float w[MOST];
    static int64_t sums[MOST];
    const size_t counts[] = {1, 2, 33, MOST};
    const char *const bounds[] = {"1e-6", "0.001", "0.7", "20"};
    const double parts[] = {0.3, 0.999999, 1, 1.000001, 1.7, 1e4};
    for (size_t c = 0; c < 4; c++)
        for (size_t b = 0; b < 4; b++) {
            set(&config, "privacy.clip_norm", "%s", bounds[b]);
            settle(1000, counts[c]);
            FED_AUTOFREE float *down = start();
            double bound = fed_privacy_bound(&method.privacy, &config, &method.slots, down);
            double limit = fed_privacy_sensitivity(&method.privacy, &config, &method.slots, down,
                                                   &fed_slot_update);
            assert_true(limit == floor(bound / 100 * FED_FIXED_ONE));
            for (size_t p = 0; p < 6; p++) {
                memset(sums, 0, sizeof sums);
                fill(w, counts[c], bound * parts[p]);
                bool clipped = add_client(w, down, sums);
                assert_true(parts[p] > 1.00001 ? clipped : parts[p] > 0.99999 || !clipped);
                assert_true(compare_length(sums, counts[c], limit) <= 0);
                double least = fmin(parts[p], 1) * limit * (1 - 1e-6) - 2 * sqrt((double)counts[c]);
                assert_true(least <= 0 || compare_length(sums, counts[c], least) >= 0);
            }
        }
}

/* Within the bound an update is what it is without privacy, bit for bit. */
static void what_is_within_stays_as_it_is(void **state) {
    (void)state;
    enum { N = 200 };
    float w[N];
    int64_t sums[N] = {0}, plain[N] = {0};
    double squared_norm;
    set(&config, "privacy.clip_norm", "3");
    settle(40, N);
    FED_AUTOFREE float *down = start();
    fill(w, N, 2.9);
    assert_false(add_client(w, down, sums));
    assert_true(
        fed_fixed_accumulate(N, w, down, 1 / method.privacy.expected, plain, &squared_norm));
    assert_memory_equal(sums, plain, sizeof sums);
}

static void what_diverged_is_not_added(void **state) {
    (void)state;
    float w[3] = {1, NAN, 2}, zero[3] = {0};
    int64_t sums[3] = {0};
    settle(40, 3);
    fed_place_t place = *fed_slots_place(&method.slots, &fed_slot_update);
    fed_trainer_t trainer = {.config = &config, .method = &method, .down = zero, .sums = sums};
    const fed_client_task_t task = {.weight = 0.25};
    fed_client_t client = {.trainer = &trainer, .task = &task};
    fed_message_t message = {.place = &place,
                             .vector = {w, zero},
                             .factor = 1,
                             .weight = 1,
                             .in_range = true,
                             .norm = NAN};
    assert_false(fed_chain_pass(&method.chain, &client, &message, 1));
    assert_true(sums[0] == 0 && sums[1] == 0 && sums[2] == 0);
}

/* --- Noise ----------------------------------------------------------------------------- */

static void noise_is_what_was_promised(void **state) {
    (void)state;
    enum { N = 20000 };
    FED_AUTOFREE int64_t *whole = FED_NEW_ARRAY(int64_t, N), *parts = FED_NEW_ARRAY(int64_t, N);
    set(&config, "privacy.clip_norm", "0.3");
    set(&config, "privacy.noise_multiplier", "1.7");
    settle(500, N);
    FED_AUTOFREE float *down = start();
    const fed_privacy_t *privacy = &method.privacy;
    fed_privacy_blur(privacy, &config, &method.slots, 4, down, 0, N, whole);
    for (size_t first = 0; first < N; first += 3001) {
        size_t count = N - first < 3001 ? N - first : 3001;
        fed_privacy_blur(privacy, &config, &method.slots, 4, down, first, count, parts + first);
    }
    assert_memory_equal(whole, parts, N * sizeof *whole);
    double squares = 0;
    for (size_t j = 0; j < N; j++)
        squares += pow((double)whole[j] / FED_FIXED_ONE, 2) / N;
    double expected = 1.7 * 0.3 / 50; /* z C / (q N) */
    assert_float_equal(fed_privacy_deviation(privacy, &config, &method.slots, down), expected,
                       1e-9 * expected);
    assert_float_equal(squares / (expected * expected), 1, 4 * sqrt(2.0 / N));
    fed_mechanism_t round = fed_privacy_round(privacy);
    assert_true(round.sampling == 0.1 && round.noise == 1.7);
}

static void without_noise_nothing_is_added(void **state) {
    (void)state;
    int64_t sums[50] = {0}, untouched[50] = {0};
    set(&config, "privacy.noise_multiplier", "0");
    set(&config, "privacy.clip_norm", "1e30");
    settle(500, 50);
    FED_AUTOFREE float *down = start();
    fed_privacy_blur(&method.privacy, &config, &method.slots, 1, down, 0, 50, sums);
    assert_memory_equal(sums, untouched, sizeof sums);
}

/* --- Bounds that adapt ------------------------------------------------------------------- */

/* Of Andrew et al. 2021: z = 1 and 100 clients leave 1.0050378 for updates. */
static void counts_take_their_share_of_the_noise(void **state) {
    (void)state;
    set(&config, "privacy.clipping", "adaptive");
    settle(1000, 7);
    FED_AUTOFREE float *down = start();
    double deviation = fed_privacy_deviation(&method.privacy, &config, &method.slots, down);
    assert_float_equal(deviation * 100, 1.0050378, 1e-6);
    assert_true(method.slots.lengths[FED_OWNER_UP] == 8);
    double half =
        fed_privacy_sensitivity(&method.privacy, &config, &method.slots, down, &fed_slot_within);
    assert_true(half == ceil(FED_FIXED_ONE / 200));
    enum { TRIES = 3000 };
    double squares = 0; /* sigma_b = 5 clients of 100 */
    for (uint32_t round = 1; round <= TRIES; round++) {
        int64_t within = 0;
        fed_privacy_blur(&method.privacy, &config, &method.slots, round, down, 7, 1, &within);
        squares += pow((double)within / FED_FIXED_ONE, 2) / TRIES;
    }
    assert_float_equal(squares / (0.05 * 0.05), 1, 4 * sqrt(2.0 / TRIES));
}

/* Lengths of updates are lognormal, with median 1. */
static double any_length(void) {
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += any_number() / 2;
    return exp(0.5 * sum);
}

/* From far below and far above, with the noise of the count, to the median. */
static void the_bound_finds_the_median(void **state) {
    (void)state;
    const char *const starts[] = {"0.01", "100"};
    set(&config, "privacy.clipping", "adaptive");
    for (size_t s = 0; s < 2; s++) {
        set(&config, "privacy.clip_norm", "%s", starts[s]);
        settle(10000, 1);
        FED_AUTOFREE float *down = start();
        double late = 0;
        for (uint32_t round = 1; round <= 100; round++) {
            int64_t sums[2] = {0};
            double up[2] = {0};
            for (size_t k = 0; k < 1000; k++)
                add_client(&(float){down[0] + (float)any_length()}, down, sums);
            fed_privacy_blur(&method.privacy, &config, &method.slots, round, down, 1, 1, &sums[1]);
            up[1] = (double)sums[1] / FED_FIXED_ONE;
            fed_aggregate_t aggregate = {
                .config = &config, .slots = &method.slots, .up = up, .down = down};
            method.privacy.clipping->step(&aggregate);
            if (round > 90)
                late += fed_privacy_bound(&method.privacy, &config, &method.slots, down) / 10;
        }
        assert_float_equal(late, 1, 0.05);
    }
}

/* --- What does not go with it -------------------------------------------------------------- */

static void assert_refused(const char *name, const char *value, const char *message) {
    fed_method_t found;
    char *before = fed_strdup(fed_config_value(&config, name)->text);
    set(&config, name, "%s", value);
    assert_fails(FED_INPUT, message, fed_method_find(&found, &config));
    set(&config, name, "%s", before);
    fed_free(before);
    assert_ok(fed_method_find(&found, &config));
}

static void what_breaks_the_promise_is_refused(void **state) {
    (void)state;
    assert_refused("federated.aggregation", "median", "looks at single updates");
    assert_refused("federated.aggregation", "krum", "looks at single updates");
    assert_refused("federated.algorithm", "scaffold",
                   "also learns changes of the clients' controls");
    assert_refused("federated.algorithm", "feddyn", "also learns how many clients took part");
    assert_refused("federated.algorithm", "fednova", "also learns counts of steps");
    set(&config, "federated.sampling", "uniform");
    assert_refused("federated.clients_per_round", "3", "each on its own: accepted is");
    set(&config, "federated.sampling", "weighted");
    assert_refused("federated.clients_per_round", "3", "each on its own: accepted is");
    set(&config, "privacy.mechanism", "none");
    set(&config, "federated.algorithm", "scaffold");
    settle(3, 5);
}

static fed_status_t settle_promise(const fed_partition_t *partition) {
    assert_ok(fed_method_find(&method, &config));
    FED_TRY(fed_privacy_settle(&method.privacy, &config, method.sampler, partition));
    return fed_privacy_check_noise(&method.privacy, &config);
}

static void numbers_that_do_not_fit_are_refused(void **state) {
    (void)state;
    const fed_partition_t few = {.clients = 9}, many = {.clients = 1000};
    assert_fails(FED_INPUT, "less than one would take part in a round", settle_promise(&few));
    set(&config, "privacy.clip_norm", "1e9");
    assert_fails(FED_INPUT,
                 "its noise leaves the integers that it is drawn from; accepted is 9.31e-08",
                 settle_promise(&many));
    set(&config, "privacy.clip_norm", "1e-9");
    assert_fails(FED_INPUT, "its noise leaves the integers", settle_promise(&many));
    set(&config, "privacy.clip_norm", "1");
    set(&config, "privacy.clipping", "adaptive");
    set(&config, "privacy.noise_multiplier", "12");
    set(&config, "privacy.clip_count_noise", "5");
    assert_fails(FED_INPUT, "nothing is left for updates; accepted is more than 6, half of",
                 settle_promise(&many));
    set(&config, "privacy.clip_count_noise", "0");
    assert_ok(settle_promise(&many));
}

/* --- Samples ------------------------------------------------------------------------------ */

/* First those of the client with fewest; others may be worse that have a step more. */
static void steps_of_the_smallest_client_are_accounted(void **state) {
    (void)state;
    size_t first[] = {0, 900, 1000, 1000, 1400}; /* 900, 100, none, 400 */
    const fed_partition_t partition = {.clients = 4, .first = first};
    set(&config, "privacy.mechanism", "dp_sgd");
    set(&config, "training.clip_sample_norm", "2");
    set(&config, "training.batch_size", "32");
    set(&config, "training.epochs", "3");
    assert_ok(settle_promise(&partition));
    fed_mechanism_t round = fed_privacy_round(&method.privacy);
    assert_true(round.sampling == 0.32 && round.times == 12 && round.noise == 1);
    assert_true(fed_privacy_deviation(&method.privacy, &config, &method.slots, NULL) == 2.0 / 32);
    fed_exposure_t exposures[FED_EXPOSURES];
    assert_int_equal(fed_privacy_exposures(&method.privacy, &config, &partition, exposures), 2);
    assert_true(exposures[0].times == 12 && exposures[1].times == 39 &&
                exposures[1].sampling == 32.0 / 400); /* 900 has 25 steps more an epoch */
    fed_privacy_expose(&method.privacy, &exposures[1]);
    assert_true(fed_privacy_round(&method.privacy).times == 39);
    set(&config, "training.steps", "5");
    set(&config, "training.batch_size", "200");
    assert_ok(settle_promise(&partition));
    round = fed_privacy_round(&method.privacy);
    assert_true(round.sampling == 1 && round.times == 5);
    set(&config, "training.clip_sample_norm", "1e9");
    assert_fails(FED_INPUT, "training.clip_sample_norm = 1e9: with 100 samples in a step its noise",
                 settle_promise(&partition));
}

static void steps_that_are_not_private_are_refused(void **state) {
    (void)state;
    fed_method_t found;
    set(&config, "privacy.mechanism", "dp_sgd");
    assert_fails(FED_INPUT,
                 "training.clip_sample_norm = 0: privacy.mechanism = dp_sgd scales noise",
                 fed_method_find(&found, &config));
    set(&config, "training.clip_sample_norm", "1");
    assert_refused("federated.algorithm", "fedsgd", "is about steps of SGD");
    set(&config, "federated.algorithm", "scaffold"); /* all that it sends is made of such steps */
    set(&config, "federated.aggregation", "median");
    assert_ok(fed_method_find(&found, &config));
}

#define PRIVACY_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        PRIVACY_TEST(no_update_is_longer_than_its_bound),
        PRIVACY_TEST(what_is_within_stays_as_it_is),
        PRIVACY_TEST(what_diverged_is_not_added),
        PRIVACY_TEST(noise_is_what_was_promised),
        PRIVACY_TEST(without_noise_nothing_is_added),
        PRIVACY_TEST(counts_take_their_share_of_the_noise),
        PRIVACY_TEST(the_bound_finds_the_median),
        PRIVACY_TEST(what_breaks_the_promise_is_refused),
        PRIVACY_TEST(numbers_that_do_not_fit_are_refused),
        PRIVACY_TEST(steps_of_the_smallest_client_are_accounted),
        PRIVACY_TEST(steps_that_are_not_private_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
