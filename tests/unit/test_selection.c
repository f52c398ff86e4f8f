/* Who takes part: valid draws, and how often each client is drawn. */
#include "fedmpi/core/memory.h"
#include "fedmpi/fl/selection.h"
#include "fedmpi/run/rooms.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CLIENTS = 6, DRAWS = 40000 };

/* Samples of the clients; one has none. */
static const size_t sizes[CLIENTS] = {10, 0, 20, 40, 10, 20};
static size_t first[CLIENTS + 1];
static uint32_t samples[100];
static const fed_partition_t partition = {.clients = CLIENTS, .first = first, .samples = samples};

static int count_samples(void **state) {
    (void)state;
    for (size_t k = 0; k < CLIENTS; k++)
        first[k + 1] = first[k] + sizes[k];
    return 0;
}

typedef struct drawn {
    double often[CLIENTS]; /* share of the rounds in which the client takes part */
    double participants;   /* mean of a round */
    double drawn;
    size_t least; /* participants of a round */
} drawn_t;

/* Draw many rounds with these "key=value" set; each draw is checked to be a set. */
static drawn_t draw(const char *const *settings) {
    fed_config_t config;
    fed_selection_t selection;
    drawn_t outcome = {.least = CLIENTS};
    fed_config_init(&config, fed_rooms);
    for (; *settings; settings++)
        assert_int_equal(fed_config_override(&config, *settings), FED_OK);
    const fed_sampler_t *sampler = fed_sampler_of(&config);
    fed_selection_init(&selection, &config, sampler, &partition);
    for (uint32_t round = 1; round <= DRAWS; round++) {
        fed_selection_draw(&selection, round);
        assert_true(selection.count <= selection.drawn && selection.drawn <= selection.capacity);
        for (size_t i = 0; i < selection.count; i++) {
            assert_true(selection.chosen[i] < CLIENTS);
            assert_true(i == 0 || selection.chosen[i - 1] < selection.chosen[i]);
            outcome.often[selection.chosen[i]] += 1.0 / DRAWS;
        }
        outcome.participants += (double)selection.count / DRAWS;
        outcome.drawn += (double)selection.drawn / DRAWS;
        if (selection.count < outcome.least)
            outcome.least = selection.count;
    }
    fed_selection_fini(&selection);
    fed_config_fini(&config);
    assert_int_equal(fed_memory_live(), 0);
    return outcome;
}

#define DRAW(...) draw((const char *const[]){__VA_ARGS__, NULL})

/* Five deviations of a share of DRAWS. */
static void assert_share(double found, double expected) {
    double deviation = sqrt(expected * (1 - expected) / DRAWS);
    if (!(fabs(found - expected) <= 5 * deviation + 1e-9))
        fail_msg("a share is %g, expected %g", found, expected);
}

static void uniform_draws_are_fair(void **state) {
    (void)state;
    drawn_t found = DRAW("federated.clients_per_round=2");
    for (size_t k = 0; k < CLIENTS; k++)
        assert_share(found.often[k], 2.0 / 6);
    assert_true(found.least == 2 && found.participants == found.drawn);
    found = DRAW("federated.clients_per_round=0");
    assert_int_equal(found.least, CLIENTS);
}

/* P(k drawn) by summing over what was drawn before it: the plain twin. */
static double successive(size_t client, size_t left_to_draw, const double *weights) {
    double total = 0, probability = 0;
    for (size_t k = 0; k < CLIENTS; k++)
        total += weights[k];
    for (size_t k = 0; k < CLIENTS && left_to_draw > 0; k++) {
        double now = weights[k] / total, others[CLIENTS];
        if (k == client) {
            probability += now;
            continue;
        }
        for (size_t j = 0; j < CLIENTS; j++)
            others[j] = j == k ? 0 : weights[j];
        if (now > 0)
            probability += now * successive(client, left_to_draw - 1, others);
    }
    return probability;
}

static void weighted_draws_follow_the_samples(void **state) {
    (void)state;
    double weights[CLIENTS];
    for (size_t k = 0; k < CLIENTS; k++)
        weights[k] = (double)sizes[k];
    drawn_t one = DRAW("federated.sampling=weighted", "federated.clients_per_round=1");
    drawn_t three = DRAW("federated.sampling=weighted", "federated.clients_per_round=3");
    for (size_t k = 0; k < CLIENTS; k++) {
        assert_share(one.often[k], (double)sizes[k] / 100);
        assert_share(three.often[k], successive(k, 3, weights));
    }
    drawn_t all = DRAW("federated.sampling=weighted");
    assert_true(all.least == CLIENTS - 1 && all.often[1] == 0); /* all that have samples */
}

static void poisson_draws_are_independent(void **state) {
    (void)state;
    drawn_t found = DRAW("federated.sampling=poisson", "federated.participation=0.3");
    for (size_t k = 0; k < CLIENTS; k++)
        assert_share(found.often[k], 0.3);
    assert_int_equal(found.least, 0); /* 0.7^6 of the rounds have nobody */
    found = DRAW("federated.sampling=poisson", "federated.participation=1");
    assert_int_equal(found.least, CLIENTS);
}

static void unavailable_clients_are_not_drawn(void **state) {
    (void)state;
    drawn_t found = DRAW("federated.availability=0.5");
    for (size_t k = 0; k < CLIENTS; k++)
        assert_share(found.often[k], 0.5);
    /* Two are drawn if two are there: 6 of 64 times one is, one of 64 times none. */
    found = DRAW("federated.availability=0.5", "federated.clients_per_round=2");
    assert_true(fabs(found.drawn - (2 * 57.0 / 64 + 6.0 / 64)) < 0.02);
    for (size_t k = 0; k < CLIENTS; k++)
        assert_share(found.often[k], found.drawn / 6);
}

static void drawn_clients_drop_out(void **state) {
    (void)state;
    drawn_t found = DRAW("federated.clients_per_round=3", "federated.dropout=0.2");
    assert_true(fabs(found.drawn - 3) < 1e-9);
    for (size_t k = 0; k < CLIENTS; k++)
        assert_share(found.often[k], 0.5 * 0.8);
    found = DRAW("federated.dropout=1");
    assert_true(found.participants == 0 && found.drawn > 5.99);
}

/* What the table has in common. That draws are ascending, distinct and within range is checked
 * for each draw above. */
static void every_sampler_is_a_function_of_seed_and_round(void **state) {
    (void)state;
    for (size_t s = 0; s < fed_samplers.count; s++)
        for (size_t few = 0; few < 2; few++) {
            const fed_sampler_t *sampler = (const fed_sampler_t *)fed_samplers.entries[s];
            char name[64], availability[64];
            snprintf(name, sizeof name, "federated.sampling=%s", sampler->plugin.name);
            snprintf(availability, sizeof availability, "federated.availability=%s",
                     few ? "0.4" : "1");
            DRAW(name, availability);
            fed_config_t config;
            fed_selection_t one, other;
            fed_config_init(&config, fed_rooms);
            assert_int_equal(fed_config_override(&config, availability), FED_OK);
            if (!sampler->draws_any_number)
                assert_int_equal(fed_config_override(&config, "federated.clients_per_round=3"),
                                 FED_OK);
            assert_int_equal(fed_selection_check(&config, sampler, CLIENTS), FED_OK);
            fed_selection_init(&one, &config, sampler, &partition);
            fed_selection_init(&other, &config, sampler, &partition);
            size_t differ = 0;
            for (uint32_t round = 1; round <= 50; round++) {
                for (uint32_t before = 60; before > round; before -= round)
                    fed_selection_draw(&other, before); /* what it drew before does not matter */
                fed_selection_draw(&one, round);
                fed_selection_draw(&other, round);
                assert_int_equal(one.count, other.count);
                assert_memory_equal(one.chosen, other.chosen, one.count * sizeof *one.chosen);
                fed_selection_draw(&other, round + 1);
                differ += one.count != other.count ||
                          memcmp(one.chosen, other.chosen, one.count * sizeof *one.chosen) != 0;
                assert_true(sampler->draws_any_number || one.drawn <= 3);
            }
            assert_true(differ > 10);
            fed_selection_fini(&one);
            fed_selection_fini(&other);
            fed_config_fini(&config);
        }
}

static void keys_are_checked(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    const fed_sampler_t *sampler = fed_sampler_of(&config);
    assert_int_equal(fed_selection_check(&config, sampler, 150), FED_OK);
    assert_int_equal(fed_config_override(&config, "federated.clients_per_round=151"), FED_OK);
    assert_int_equal(fed_selection_check(&config, sampler, 150), FED_INPUT);
    assert_int_equal(fed_config_override(&config, "federated.clients_per_round=150"), FED_OK);
    assert_int_equal(fed_selection_check(&config, sampler, 150), FED_OK);
    assert_int_equal(fed_config_override(&config, "federated.sampling=poisson"), FED_OK);
    sampler = fed_sampler_of(&config);
    assert_int_equal(fed_selection_check(&config, sampler, 150), FED_INPUT);
    assert_int_equal(fed_config_override(&config, "federated.sampling=poison"), FED_INPUT);
    fed_config_fini(&config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform_draws_are_fair),
        cmocka_unit_test(weighted_draws_follow_the_samples),
        cmocka_unit_test(poisson_draws_are_independent),
        cmocka_unit_test(unavailable_clients_are_not_drawn),
        cmocka_unit_test(drawn_clients_drop_out),
        cmocka_unit_test(every_sampler_is_a_function_of_seed_and_round),
        cmocka_unit_test(keys_are_checked),
    };
    return cmocka_run_group_tests(tests, count_samples, NULL);
}
