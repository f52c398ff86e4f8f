/* Random numbers: Random123's known answers, uniformity, permutations. */
#include "support.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/core/random.h"

#include <math.h>

/* philox4x32 with 10 rounds, from Random123's kat_vectors: the first two words. */
static void philox_gives_its_known_answers(void **state) {
    (void)state;
    const struct {
        fed_stream_t stream;
        uint32_t index;
        uint64_t answer;
    } known[] = {
        {{0}, 0, 0xe169c58d6627e8d5},
        {{UINT64_MAX, 0xff, UINT32_MAX, UINT32_MAX, 0xffffff}, UINT32_MAX, 0x41c83b0e408f276d},
        {{0x299f31d0a4093822, 0x03, 0x85a308d3, 0x13198a2e, 0x707344},
         0x243f6a88,
         0x94fdccebd16cfe09},
    };
    for (size_t i = 0; i < 3; i++)
        assert_true(fed_random_bits(&known[i].stream, known[i].index) == known[i].answer);
}

static void every_part_of_the_address_matters(void **state) {
    (void)state;
    const fed_stream_t streams[] = {
        {1, FED_RANDOM_PARTITION, 0, 0, 0},
        {1, FED_RANDOM_BATCH_ORDER, 0, 0, 0},
        {1, FED_RANDOM_PARTITION, 1, 0, 0},
        {1, FED_RANDOM_PARTITION, 0, 1, 0},
        {1, FED_RANDOM_PARTITION, 0, 0, 1},
        {2, FED_RANDOM_PARTITION, 0, 0, 0},
        {(uint64_t)1 << 32, FED_RANDOM_PARTITION, 0, 0, 0},
    };
    uint64_t seen[14];
    for (size_t i = 0; i < 14; i++) {
        seen[i] = fed_random_bits(&streams[i / 2], (uint32_t)(i % 2));
        for (size_t j = 0; j < i; j++)
            assert_true(seen[i] != seen[j]);
    }
}

/* Pearson's chi-squared against equal counts, as a distance in standard deviations. */
static double deviation_from_uniform(const size_t *counts, size_t cells, size_t draws) {
    double expected = (double)draws / (double)cells, squares = 0;
    for (size_t c = 0; c < cells; c++)
        squares += ((double)counts[c] - expected) * ((double)counts[c] - expected) / expected;
    double freedom = (double)cells - 1;
    return (squares - freedom) / sqrt(2 * freedom);
}

static void draws_are_uniform(void **state) {
    (void)state;
    enum { DRAWS = 100000, CELLS = 100 };
    fed_stream_t stream = {.seed = 5, .purpose = FED_RANDOM_INITIAL_WEIGHTS};
    size_t by_value[CELLS] = {0}, below[7] = {0};
    double sum = 0;
    for (uint32_t i = 0; i < DRAWS; i++) {
        double u = fed_random_uniform(&stream, i);
        assert_true(u >= 0 && u < 1);
        by_value[(size_t)(u * CELLS)]++;
        sum += u;
        uint32_t b = fed_random_below(&stream, i, 7);
        assert_true(b < 7);
        below[b]++;
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 4 * sqrt(1.0 / 12 / DRAWS));
    assert_true(fabs(deviation_from_uniform(by_value, CELLS, DRAWS)) < 4);
    assert_true(fabs(deviation_from_uniform(below, 7, DRAWS)) < 4);
}

static void bounds_are_kept_at_their_ends(void **state) {
    (void)state;
    fed_stream_t stream = {.seed = 5, .purpose = FED_RANDOM_PARTITION};
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(fed_random_below(&stream, i, 1), 0);
        assert_true(fed_random_below(&stream, i, UINT32_MAX) < UINT32_MAX);
    }
}

static void a_permutation_is_a_permutation(void **state) {
    (void)state;
    for (size_t count = 0; count < 70; count++) {
        uint32_t values[70];
        bool seen[70] = {false};
        for (size_t i = 0; i < count; i++)
            values[i] = (uint32_t)i;
        fed_stream_t stream = {.seed = count, .purpose = FED_RANDOM_BATCH_ORDER, .who = 3};
        fed_random_permute(&stream, values, count);
        for (size_t i = 0; i < count; i++) {
            assert_true(values[i] < count && !seen[values[i]]);
            seen[values[i]] = true;
        }
    }
}

/* All 24 orders of 4 things, equally often. */
static void every_order_is_equally_likely(void **state) {
    (void)state;
    enum { DRAWS = 48000 };
    size_t counts[24] = {0};
    for (uint32_t round = 0; round < DRAWS; round++) {
        uint32_t values[4] = {0, 1, 2, 3};
        fed_stream_t stream = {.seed = 9, .purpose = FED_RANDOM_BATCH_ORDER, .when = round};
        fed_random_permute(&stream, values, 4);
        size_t rank = 0, factorials[] = {6, 2, 1};
        for (size_t i = 0; i < 3; i++)
            for (size_t j = i + 1; j < 4; j++)
                rank += (values[j] < values[i]) * factorials[i];
        counts[rank]++;
    }
    assert_true(fabs(deviation_from_uniform(counts, 24, DRAWS)) < 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(philox_gives_its_known_answers),
        TEST(every_part_of_the_address_matters),
        TEST(draws_are_uniform),
        TEST(bounds_are_kept_at_their_ends),
        TEST(a_permutation_is_a_permutation),
        TEST(every_order_is_equally_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
