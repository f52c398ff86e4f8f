/* Renyi differential privacy. Sums run over terms that are far out of a double's range: they are
 * kept by their logarithms. */
#include "fedmpi/privacy/rdp.h"

#include "log_erfc.h"

#include <math.h>

/* A sum of terms of both signs. */
typedef struct sum {
    double positive, negative; /* logarithms */
} sum_t;

static double log_add(double a, double b) {
    double larger = fmax(a, b), smaller = fmin(a, b);
    return smaller == -INFINITY ? larger : larger + log1p(exp(smaller - larger));
}

static void sum_add(sum_t *sum, double log_term, int sign) {
    double *side = sign > 0 ? &sum->positive : &sum->negative;
    *side = log_add(*side, log_term);
}

static double sum_log(const sum_t *sum) {
    return sum->positive + log1p(-exp(sum->negative - sum->positive));
}

/* log |binomial(n, k)|, n any real number. @param sign  [out] of the coefficient */
static double log_binomial(double n, double k, int *sign) {
    int of_k, of_rest;
    double log_k = lgamma_r(k + 1, &of_k), log_rest = lgamma_r(n - k + 1, &of_rest);
    *sign = of_k * of_rest;
    return lgamma(n + 1) - log_k - log_rest;
}

/* log A_alpha, section 3.3, equation 6. */
static double log_moment_of_integer(double q, double z, double order) {
    double sum = -INFINITY;
    for (double i = 0; i <= order; i++) {
        int sign;
        double term = log_binomial(order, i, &sign) + i * log(q) + (order - i) * log1p(-q);
        sum = log_add(sum, term + (i * i - i) / (2 * z * z));
    }
    return sum;
}

#define MOST_TERMS 10000
#define NEGLIGIBLE 35 /* nats below the sum */

/* The same of any order: two series, of what lies below z1 and above it. */
static double log_moment(double q, double z, double order) {
    sum_t sum = {-INFINITY, -INFINITY};
    double z1 = z * z * log(1 / q - 1) + 0.5, before = INFINITY;
    for (double i = 0; i < MOST_TERMS; i++) {
        int sign;
        double j = order - i, coefficient = log_binomial(order, i, &sign);
        double below = coefficient + i * log(q) + j * log1p(-q) + (i * i - i) / (2 * z * z) +
                       fed_log_erfc((i - z1) / (M_SQRT2 * z)) - M_LN2;
        double above = coefficient + j * log(q) + i * log1p(-q) + (j * j - j) / (2 * z * z) +
                       fed_log_erfc((z1 - j) / (M_SQRT2 * z)) - M_LN2;
        sum_add(&sum, below, sign);
        sum_add(&sum, above, sign);
        double largest = fmax(below, above);
        if (i > order && largest < before && largest < sum.positive - NEGLIGIBLE)
            return sum_log(&sum);
        before = largest;
    }
    return INFINITY;
}

double fed_rdp(double sampling, double noise, double order) {
    if (sampling == 0)
        return 0;
    if (noise == 0)
        return INFINITY;
    if (sampling == 1)
        return order / (2 * noise * noise);
    double moment = order == floor(order) ? log_moment_of_integer(sampling, noise, order)
                                          : log_moment(sampling, noise, order);
    return moment / (order - 1);
}

/* 1.1, 1.2 ... 10.9, 11, 12 ... 63, 128, 256, 512, 1024; 0 behind the last. */
static double order_of(size_t i) {
    if (i < 99)
        return (double)(11 + i) / 10;
    if (i < 99 + 53)
        return (double)(i - 99 + 11);
    return i < 99 + 53 + 4 ? (double)(128 << (i - 152)) : 0;
}

double fed_rdp_epsilon(const fed_ledger_t *ledger, double delta) {
    double least = INFINITY, order;
    for (size_t i = 0; (order = order_of(i)) > 0; i++) {
        double divergence = 0;
        for (size_t e = 0; e < ledger->count; e++)
            divergence += ledger->entries[e].times *
                          fed_rdp(ledger->entries[e].sampling, ledger->entries[e].noise, order);
        if (delta * delta + expm1(-divergence) > 0)
            return 0; /* by the total variation, of which this bounds the square */
        least = fmin(least, divergence + log1p(-1 / order) - log(delta * order) / (order - 1));
    }
    return fmax(least, 0);
}
