/* Discrete Gaussian noise against its formula. */
#include "support.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/privacy/discrete_gaussian.h"

#include <math.h>

static const fed_stream_t stream = {.seed = 7, .purpose = FED_RANDOM_PRIVACY, .when = 3};

/* The upper point of the chi-square distribution that is exceeded with probability 0.001: Wilson
 * and Hilferty 1931. */
static double chi_square_limit(double degrees) {
    double part = 2 / (9 * degrees);
    return degrees * pow(1 - part + 3.09 * sqrt(part), 3);
}

static double density(double sigma, double x) {
    double total = 0;
    for (double i = -20 * sigma - 20; i <= 20 * sigma + 20; i++)
        total += exp(-round(i) * round(i) / (2 * sigma * sigma));
    return exp(-x * x / (2 * sigma * sigma)) / total;
}

#define SPAN 60 /* of the histogram, each way */

static void the_histogram_is_the_formula(void **state) {
    (void)state;
    const double deviations[] = {0.3, 0.8, 1, 3, 4, 10.5};
    const uint32_t draws = (uint32_t)trials(200000);
    for (size_t s = 0; s < sizeof deviations / sizeof *deviations; s++) {
        double sigma = deviations[s], statistic = 0, degrees = -1, rest = draws;
        fed_discrete_gaussian_t gaussian = fed_discrete_gaussian(sigma);
        size_t counts[2 * SPAN + 1] = {0};
        for (uint32_t i = 0; i < draws; i++) {
            int64_t drawn = fed_discrete_gaussian_draw(&gaussian, &stream, i);
            assert_true(llabs(drawn) <= SPAN);
            counts[drawn + SPAN]++;
        }
        for (int x = -SPAN; x <= SPAN; x++) {
            double expected = draws * density(sigma, x),
                   apart = (double)counts[x + SPAN] - expected;
            if (expected < 8)
                continue;
            statistic += apart * apart / expected;
            degrees++;
            rest -= (double)counts[x + SPAN];
        }
        assert_true(degrees > 0 && rest < 50);
        assert_true(statistic < chi_square_limit(degrees));
    }
}

static void moments_hold_at_any_size(void **state) {
    (void)state;
    const double deviations[] = {1000, 0x1p20, 0x1p40, 1.3 * 0x1p40, 0x1p50};
    const uint32_t draws = (uint32_t)trials(100000);
    for (size_t s = 0; s < sizeof deviations / sizeof *deviations; s++) {
        fed_discrete_gaussian_t gaussian = fed_discrete_gaussian(deviations[s]);
        double first = 0, second = 0, fourth = 0;
        for (uint32_t i = 0; i < draws; i++) {
            double x = (double)fed_discrete_gaussian_draw(&gaussian, &stream, i) / deviations[s];
            first += x / draws;
            second += x * x / draws;
            fourth += x * x * x * x / draws;
        }
        assert_float_equal(first, 0, 4 / sqrt(draws));
        assert_float_equal(second, 1, 4 * sqrt(2.0 / draws));
        assert_float_equal(fourth, 3, 4 * sqrt(96.0 / draws));
    }
}

/* The variance that it has is what was asked for, or hardly more. */
static void the_variance_is_rounded_up(void **state) {
    (void)state;
    const double deviations[] = {1e-3, 0.3, 1, 3, 1234.5, 0x1p40 / 3, FED_DISCRETE_GAUSSIAN_MAX};
    for (size_t s = 0; s < sizeof deviations / sizeof *deviations; s++) {
        double sigma = deviations[s];
        fed_discrete_gaussian_t gaussian = fed_discrete_gaussian(sigma);
        double variance = ldexp((double)gaussian.square, gaussian.exponent);
        assert_true(variance >= sigma * sigma && variance <= sigma * sigma * (1 + 1e-13) + 0x1p-56);
        assert_true(ldexp(1, gaussian.scale_bits) >= sigma);
    }
    fed_discrete_gaussian_t nine = fed_discrete_gaussian(3);
    assert_float_equal(ldexp((double)nine.square, nine.exponent), 9, 0);
}

/* A function of stream and index: in any pieces, in any order. */
static void pieces_are_the_whole(void **state) {
    (void)state;
    enum { COUNT = 300 };
    fed_discrete_gaussian_t gaussian = fed_discrete_gaussian(0x1p33);
    int64_t whole[COUNT], pieces[COUNT];
    for (size_t j = 0; j < COUNT; j++)
        whole[j] = pieces[j] = INT64_MAX - (int64_t)j; /* sums wrap around */
    fed_discrete_gaussian_add(&gaussian, &stream, 1000, COUNT, whole);
    fed_discrete_gaussian_add(&gaussian, &stream, 1100, COUNT - 100, pieces + 100);
    fed_discrete_gaussian_add(&gaussian, &stream, 1000, 100, pieces);
    assert_memory_equal(whole, pieces, sizeof whole);
    fed_stream_t next = stream;
    next.when++;
    assert_int_not_equal(fed_discrete_gaussian_draw(&gaussian, &stream, 5),
                         fed_discrete_gaussian_draw(&gaussian, &next, 5));
}

/* The draws themselves are part of results. */
static void draws_stay_what_they_are(void **state) {
    (void)state;
    fed_discrete_gaussian_t gaussian = fed_discrete_gaussian(1e6);
    const int64_t expected[] = {-217645, -1650066, 961777, 43229};
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(fed_discrete_gaussian_draw(&gaussian, &stream, i), expected[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_histogram_is_the_formula), TEST(moments_hold_at_any_size),
        TEST(the_variance_is_rounded_up),   TEST(pieces_are_the_whole),
        TEST(draws_stay_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
