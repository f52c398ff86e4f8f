/* Canonne, Kamath and Steinke 2020, Algorithms 1 to 3, with proposals whose scale is a power of
 * two, so that what is compared is a product of small numbers and a shift. */
#include "fedmpi/privacy/discrete_gaussian.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

typedef unsigned __int128 wide_t;

/* sigma^2 / t is square / 2^fraction, and scale_bits + fraction = PRECISION. */
#define PRECISION 56

/* Where a draw has its random bits from. */
typedef struct source {
    fed_stream_t stream;
    uint32_t index;
    uint32_t words[4];
    bool half_used;
} source_t;

static source_t source_of(const fed_stream_t *stream, uint32_t index) {
    source_t source = {.stream = *stream, .index = index, .half_used = true};
    source.stream.which = 0;
    return source;
}

static uint64_t draw_bits(source_t *source) {
    if (source->half_used) {
        fed_random_words(&source->stream, source->index, source->words);
        source->stream.which++;
    }
    source->half_used = !source->half_used;
    const uint32_t *half = source->half_used ? source->words + 2 : source->words;
    return (uint64_t)half[1] << 32 | half[0];
}

/* Uniform in 0 .. bound-1, without a bias: Lemire 2019, "Fast Random Integer Generation in an
 * Interval". */
static uint64_t draw_below(source_t *source, uint64_t bound) {
    wide_t product = (wide_t)draw_bits(source) * bound;
    if ((uint64_t)product < bound)
        while ((uint64_t)product < -bound % bound)
            product = (wide_t)draw_bits(source) * bound;
    return (uint64_t)(product >> 64);
}

static uint64_t low_bits(uint64_t word, int bits) {
    return bits > 0 ? word >> (64 - bits) : 0;
}

/* True with probability numerator / (factor * 2^bits), which is at most 1: is a uniform number
 * below factor * 2^bits less? Its upper part tells as a rule. */
static bool flip(source_t *source, wide_t numerator, uint64_t factor, int bits) {
    wide_t upper = numerator >> bits, drawn = draw_below(source, factor);
    if (drawn != upper)
        return drawn < upper;
    return low_bits(draw_bits(source), bits) < (uint64_t)(numerator & (((wide_t)1 << bits) - 1));
}

/* Algorithm 1: true with probability exp(-gamma), gamma = numerator / (factor * 2^bits). */
static bool flip_exp(source_t *source, wide_t numerator, uint64_t factor, int bits) {
    const wide_t one = (wide_t)factor << bits;
    for (; numerator > one; numerator -= one)
        if (!flip_exp(source, 1, 1, 0))
            return false;
    uint64_t k = 1;
    while (flip(source, numerator, factor * k, bits))
        k++;
    return k & 1;
}

/* Algorithm 2: the size of a discrete Laplace draw of scale t = 2^bits, or false for another try.
 */
static bool propose(source_t *source, int bits, uint64_t *size) {
    uint64_t rest = low_bits(draw_bits(source), bits), whole = 0;
    if (!flip_exp(source, rest, 1, bits))
        return false;
    while (flip_exp(source, 1, 1, 0))
        whole++;
    *size = (whole << bits) + rest;
    return whole < 1 << (62 - PRECISION); /* else exp(-2000) is what it would be accepted with */
}

/* Algorithm 3: with probability exp(-(size - sigma^2 / t)^2 / (2 sigma^2)). */
static bool accept(source_t *source, const fed_discrete_gaussian_t *gaussian, uint64_t size) {
    uint64_t scaled = size << (PRECISION - gaussian->scale_bits);
    uint64_t apart =
        scaled > gaussian->square ? scaled - gaussian->square : gaussian->square - scaled;
    return flip_exp(source, (wide_t)apart * apart, gaussian->square, PRECISION + 1);
}

fed_discrete_gaussian_t fed_discrete_gaussian(double sigma) {
    assert(sigma > 0 && sigma <= FED_DISCRETE_GAUSSIAN_MAX);
    int bits = 0;
    while (ldexp(1, bits) < sigma)
        bits++;
    int exponent = 2 * bits - PRECISION;
    return (fed_discrete_gaussian_t){
        .square = (uint64_t)ceil(ldexp(sigma * sigma, -exponent)),
        .exponent = exponent,
        .scale_bits = bits,
    };
}

int64_t fed_discrete_gaussian_draw(const fed_discrete_gaussian_t *gaussian,
                                   const fed_stream_t *stream, uint32_t index) {
    source_t source = source_of(stream, index);
    for (;;) {
        uint64_t size;
        if (!propose(&source, gaussian->scale_bits, &size))
            continue;
        bool negative = draw_bits(&source) & 1;
        if (negative && size == 0)
            continue; /* or zero would be twice as likely */
        if (accept(&source, gaussian, size))
            return negative ? -(int64_t)size : (int64_t)size;
    }
}

void fed_discrete_gaussian_add(const fed_discrete_gaussian_t *gaussian, const fed_stream_t *stream,
                               size_t first, size_t count, int64_t *sums) {
    for (size_t j = 0; j < count; j++) {
        uint64_t drawn =
            (uint64_t)fed_discrete_gaussian_draw(gaussian, stream, (uint32_t)(first + j));
        sums[j] = (int64_t)((uint64_t)sums[j] + drawn);
    }
}
