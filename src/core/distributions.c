/* Normal, gamma and Dirichlet draws. */
#include "fedmpi/core/distributions.h"

#include <math.h>

/* Uniform in (0, 1], for logarithms. */
static double above_zero(uint32_t high, uint32_t low) {
    return (double)((((uint64_t)high << 32 | low) >> 11) + 1) * 0x1p-53;
}

static void normal_pair(const fed_stream_t *stream, uint32_t index, double pair[2]) {
    uint32_t words[4];
    fed_random_words(stream, index, words);
    double radius = sqrt(-2 * log(above_zero(words[1], words[0])));
    double angle = 2 * M_PI * above_zero(words[3], words[2]);
    pair[0] = radius * cos(angle);
    pair[1] = radius * sin(angle);
}

void fed_random_normals(const fed_stream_t *stream, uint32_t first, size_t count, double *values) {
    for (size_t i = 0; i < count; i += 2) {
        double pair[2];
        normal_pair(stream, first + (uint32_t)(i / 2), pair);
        values[i] = pair[0];
        if (i + 1 < count)
            values[i + 1] = pair[1];
    }
}

double fed_random_normal(const fed_stream_t *stream, uint32_t index) {
    double pair[2];
    normal_pair(stream, index, pair);
    return pair[0];
}

double fed_random_log_gamma(const fed_stream_t *stream, uint32_t index, double shape) {
    /* Below 1: Gamma(a) = Gamma(a + 1) * U^(1/a), their section 6. */
    double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (fed_stream_t attempt = *stream;; attempt.when += 2) {
        double x = fed_random_normal(&attempt, index), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        fed_stream_t second = attempt;
        second.when++;
        uint32_t words[4];
        fed_random_words(&second, index, words);
        if (log(above_zero(words[1], words[0])) >= 0.5 * x * x + d * (1 - v + log(v)))
            continue;
        double boost = shape < 1 ? log(above_zero(words[3], words[2])) / shape : 0;
        return log(d * v) + boost;
    }
}

void fed_normalize_logarithms(size_t count, double *values) {
    double largest = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++)
        largest = values[i] > largest ? values[i] : largest;
    for (size_t i = 0; i < count; i++)
        sum += values[i] = exp(values[i] - largest);
    for (size_t i = 0; i < count; i++)
        values[i] /= sum;
}

void fed_random_dirichlet(const fed_stream_t *stream, uint32_t first, size_t count,
                          const double *concentration, double *p) {
    for (size_t i = 0; i < count; i++)
        p[i] = fed_random_log_gamma(stream, first + (uint32_t)i, concentration[i]);
    fed_normalize_logarithms(count, p);
}
