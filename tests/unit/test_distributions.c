/* Normal, gamma and Dirichlet draws against their distributions' closed forms. */
#include "fedmpi/config/purposes.h"
#include "fedmpi/core/distributions.h"
#include "fedmpi/core/sort.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define DRAWS 20000
/* Kolmogorov: a right distribution's largest distance is below this but for one seed in
 * 10^6; the seed is fixed, so a right one passes for ever. */
#define FARTHEST (2.7 / sqrt(DRAWS))

/* Largest distance of the empirical distribution function to a true one. */
static double distance(double *values, double (*cdf)(double, double), double parameter) {
    double largest = 0;
    fed_sort_doubles(values, DRAWS);
    for (size_t i = 0; i < DRAWS; i++) {
        double at = cdf(values[i], parameter);
        largest = fmax(largest, fmax(at - (double)i / DRAWS, (double)(i + 1) / DRAWS - at));
    }
    return largest;
}

static double normal_cdf(double x, double unused) {
    (void)unused;
    return 0.5 * erfc(-x / sqrt(2));
}

/* P(Gamma(shape) <= x): the series of Abramowitz and Stegun 6.5.29, x given as log x. */
static double gamma_cdf(double log_x, double shape) {
    double x = exp(log_x), term = 1 / shape, sum = term;
    if (x > 700)
        return 1;
    for (double n = shape + 1; term > 1e-17 * sum; n++)
        sum += term *= x / n;
    return sum * exp(-x + shape * log_x - lgamma(shape));
}

static void test_normals(void **state) {
    (void)state;
    static double values[DRAWS];
    fed_stream_t stream = {.seed = 7, .purpose = FED_RANDOM_SHARES};
    fed_random_normals(&stream, 0, DRAWS, values);
    assert_true(values[0] == fed_random_normal(&stream, 0));
    assert_true(values[6] == fed_random_normal(&stream, 3));
    double neighbours = 0;
    for (size_t i = 1; i < DRAWS; i++)
        neighbours += values[i] * values[i - 1] / DRAWS;
    assert_true(fabs(neighbours) < 5 / sqrt(DRAWS));
    assert_true(distance(values, normal_cdf, 0) < FARTHEST);
}

static void test_odd_counts_stay_inside(void **state) {
    (void)state;
    double values[4] = {0, 0, 0, 99};
    fed_stream_t stream = {.seed = 7, .purpose = FED_RANDOM_SHARES};
    fed_random_normals(&stream, 5, 3, values);
    assert_true(values[2] == fed_random_normal(&stream, 6) && values[3] == 99);
}

static void test_gammas(void **state) {
    (void)state;
    static const double shapes[] = {0.02, 0.3, 1, 2.5, 40};
    static double values[DRAWS];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        double sum = 0, squares = 0, shape = shapes[s];
        fed_stream_t stream = {.seed = 11 + s, .purpose = FED_RANDOM_SHARES};
        for (size_t i = 0; i < DRAWS; i++) {
            values[i] = fed_random_log_gamma(&stream, (uint32_t)i, shape);
            sum += exp(values[i]);
            squares += exp(2 * values[i]);
        }
        double mean = sum / DRAWS, variance = squares / DRAWS - mean * mean;
        assert_true(fabs(mean - shape) < 5 * sqrt(shape / DRAWS));
        /* The fourth central moment is 3 shape^2 + 6 shape. */
        assert_true(fabs(variance - shape) < 5 * sqrt((2 * shape * shape + 6 * shape) / DRAWS));
        assert_true(distance(values, gamma_cdf, shape) < FARTHEST);
    }
}

static void test_tiny_shapes_stay_finite(void **state) {
    (void)state;
    fed_stream_t stream = {.seed = 3, .purpose = FED_RANDOM_SHARES};
    double concentration[] = {1e-6, 1e-6, 1e-6}, p[3];
    for (uint32_t i = 0; i < 1000; i++) {
        fed_random_dirichlet(&stream, 3 * i, 3, concentration, p);
        assert_true(fabs(p[0] + p[1] + p[2] - 1) < 1e-12);
        assert_true(p[0] > 0.999 || p[1] > 0.999 || p[2] > 0.999);
    }
}

/* E p_i = a_i / A, Var p_i = m (1 - m) / (A + 1), Cov(p_i, p_j) = -m_i m_j / (A + 1). */
static void test_dirichlet_moments(void **state) {
    (void)state;
    double a[] = {0.2, 1, 3.8}, sum[3] = {0}, squares[3] = {0}, product = 0, p[3];
    fed_stream_t stream = {.seed = 5, .purpose = FED_RANDOM_SHARES};
    for (uint32_t i = 0; i < DRAWS; i++) {
        fed_random_dirichlet(&stream, 3 * i, 3, a, p);
        for (size_t c = 0; c < 3; c++) {
            sum[c] += p[c] / DRAWS;
            squares[c] += p[c] * p[c] / DRAWS;
        }
        product += p[1] * p[2] / DRAWS;
    }
    for (size_t c = 0; c < 3; c++) {
        double mean = a[c] / 5, variance = mean * (1 - mean) / 6;
        assert_true(fabs(sum[c] - mean) < 5 * sqrt(variance / DRAWS));
        assert_true(fabs(squares[c] - sum[c] * sum[c] - variance) < 0.05 * variance);
    }
    double covariance = -0.2 * 0.76 / 6;
    assert_true(fabs(product - sum[1] * sum[2] - covariance) < -0.05 * covariance);
}

static void test_same_arguments_same_draw(void **state) {
    (void)state;
    fed_stream_t stream = {.seed = 1, .purpose = FED_RANDOM_SHARES, .who = 4};
    double again = fed_random_log_gamma(&stream, 9, 0.1);
    fed_random_log_gamma(&stream, 10, 0.1);
    assert_true(fed_random_log_gamma(&stream, 9, 0.1) == again);
    stream.who = 5;
    assert_true(fed_random_log_gamma(&stream, 9, 0.1) != again);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normals),
        cmocka_unit_test(test_odd_counts_stay_inside),
        cmocka_unit_test(test_gammas),
        cmocka_unit_test(test_tiny_shapes_stay_finite),
        cmocka_unit_test(test_dirichlet_moments),
        cmocka_unit_test(test_same_arguments_same_draw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
