/* The engine alone, without MPI: sums against clients one by one, empty sets, orders. */
#include "sets.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/nodes.h"
#include "fedmpi/comm/shared.h"
#include "fedmpi/comm/workers.h"
#include "fedmpi/math/fixed.h"

#include <math.h>

static outcome_t run(set_case_t test) {
    fed_comm_t *comm = fed_comm_alone();
    if (test.rounds == 0)
        test.rounds = 1;
    outcome_t outcome = run_sets(comm, &test);
    fed_comm_destroy(comm);
    return outcome;
}

#define EVERYBODY .chosen = everybody, .count = SET_CLIENTS, .broken = UINT32_MAX
#define USUAL SET_KEYS("federated.rounds", "1")

static void one_rank_waits_for_nobody(void **unused) {
    (void)unused;
    fed_comm_t *comm = fed_comm_alone();
    assert_true(fed_comm_is_server(comm) && fed_comm_leads_node(comm) && fed_comm_works(comm));
    assert_int_equal(fed_comm_size(comm), 1);
    assert_int_equal(fed_comm_workers(comm), 1);
    assert_int_equal(fed_comm_nodes(comm), 1);
    assert_ok(fed_comm_agree(comm, FED_OK, NULL, NULL));
    assert_fails(FED_INPUT, "mine", fed_comm_agree(comm, fed_fail(FED_INPUT, "mine"), NULL, NULL));
    assert_ok(fed_comm_agree_text(comm, "files", "anything"));
    int64_t numbers[] = {1, -2}, rows[2];
    fed_comm_broadcast(comm, numbers, sizeof numbers);
    fed_comm_broadcast_node(comm, numbers, sizeof numbers);
    fed_comm_gather_sums(comm, numbers, 2);
    fed_comm_reduce_sums(comm, numbers, 2);
    fed_comm_largest(comm, (size_t *)numbers, 2);
    assert_ok(fed_comm_agree_largest(comm, FED_OK, (size_t *)numbers, 2, NULL, NULL));
    fed_comm_gather_rows(comm, numbers, &(size_t){2}, sizeof *numbers, rows);
    assert_true(numbers[0] == 1 && numbers[1] == -2 && rows[0] == 1 && rows[1] == -2);
    FED_AUTOFREE char *host = fed_comm_hosts(comm);
    assert_true(*host);
    fed_shared_t *shared;
    assert_ok(fed_shared_create(comm, sizeof(uint64_t), &shared));
    assert_int_equal(fed_shared_take_turn(shared, 1), 0);
    assert_int_equal(fed_shared_take_turn(shared, 1), 1);
    assert_int_equal(fed_shared_take_turn(shared, 2), 0);
    fed_shared_publish(shared);
    fed_shared_destroy(shared);
    fed_comm_destroy(comm);
}

/* A set's sum is that of sets of one, weighted: exactly, up to each one's rounding. */
static void a_sum_is_that_of_single_clients(void **unused) {
    (void)unused;
    outcome_t all = run((set_case_t){.keys = USUAL, EVERYBODY});
    double sum[SET_LENGTH] = {0}, largest = 0;
    for (uint32_t k = 0; k < SET_CLIENTS; k++) {
        outcome_t one = run(
            (set_case_t){.keys = USUAL, .chosen = &everybody[k], .count = 1, .broken = UINT32_MAX});
        assert_true(one.client_rows[0].weight == 1 && one.client_rows[0].client == k);
        assert_true(one.client_rows[0].update_norm == all.client_rows[k].update_norm);
        assert_int_equal(all.client_rows[k].samples, set_counts[k]);
        for (size_t j = 0; j < all.length; j++)
            sum[j] += all.client_rows[k].weight * one.up[j];
    }
    for (size_t j = 0; j < all.length; j++) {
        assert_true(fabs(sum[j] - all.up[j]) < (SET_CLIENTS + 1) / FED_FIXED_ONE);
        largest = fmax(largest, fabs(sum[j]));
    }
    assert_true(largest > 1e-3);
}

static void rows_come_in_the_order_of_clients(void **unused) {
    (void)unused;
    outcome_t all = run((set_case_t){.keys = USUAL, EVERYBODY});
    for (uint32_t k = 0; k < SET_CLIENTS; k++)
        assert_int_equal(all.client_rows[k].client, k); /* trained costliest first */
    static const struct { int64_t client, epoch; } expected[] = {{1, 1}, {1, 2}, {4, 1}, {4, 2}};
    assert_int_equal(all.epoch_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(all.epochs[i].client == expected[i].client &&
                    all.epochs[i].epoch == expected[i].epoch);
}

static void an_empty_set_changes_nothing(void **unused) {
    (void)unused;
    static const char *const rules[] = {"mean", "median", "krum"};
    for (size_t r = 0; r < 3; r++) {
        outcome_t none = run((set_case_t){.keys = SET_KEYS("federated.aggregation", rules[r]),
                                          .chosen = some,
                                          .broken = UINT32_MAX});
        assert_int_equal(none.status, FED_OK);
        assert_int_equal(none.count + none.averaged_count + none.epoch_count, 0);
        for (size_t j = 0; j < none.length; j++)
            assert_true(none.up[j] == 0);
    }
}

/* The others' average is what it is without the client, up to the rounding of its weights. */
static void who_diverges_is_as_if_never_asked(void **unused) {
    (void)unused;
    static const uint32_t others[] = {0, 1, 2, 4, 5, 6};
    static const char *const rules[] = {"mean", "median", "trimmed_mean", "krum"};
    for (size_t r = 0; r < 4; r++) {
        const char *const *keys =
            SET_KEYS("federated.on_divergence", "skip", "federated.aggregation", rules[r],
                     "federated.tolerated", "0.1");
        outcome_t left =
            run((set_case_t){.keys = keys, .chosen = everybody, .count = SET_CLIENTS, .broken = 3});
        outcome_t without =
            run((set_case_t){.keys = keys, .chosen = others, .count = 6, .broken = 3});
        assert_true(left.status == FED_OK && left.client_rows[3].diverged == 1);
        assert_int_equal(left.averaged_count, 6);
        assert_true(fabs(left.grown - 58.0 / 49) < 1e-12);
        for (size_t j = 0; j < left.length; j++)
            assert_true(fabs(left.up[j] - without.up[j]) < 10 / FED_FIXED_ONE);
    }
}

static void divergence_may_end_the_run(void **unused) {
    (void)unused;
    outcome_t outcome = run((set_case_t){.keys = SET_KEYS("federated.on_divergence", "stop"),
                                         .chosen = everybody,
                                         .count = SET_CLIENTS,
                                         .broken = 5});
    assert_int_equal(outcome.status, FED_DIVERGED);
}

/* What the rank did before the round came to nothing: nobody trains. */
static void a_failure_before_the_round_ends_it(void **unused) {
    (void)unused;
    set_case_t test = {.keys = USUAL, EVERYBODY};
    problem_t problem;
    fed_engine_t *engine;
    fed_comm_t *comm = fed_comm_alone();
    set_problem(&problem, &test);
    assert_ok(fed_engine_create(comm, &problem.view, NULL, &engine));
    fed_engine_begin(engine, 1, fed_fail(FED_FAILURE, "disk full"));
    fed_task_t task = {.client = 1, .weight = 1}; /* from NULL: would crash */
    assert_fails(FED_FAILURE, "disk full", fed_engine_train(engine, &task, 1));
    fed_engine_destroy(engine);
    problem_fini(&problem);
    fed_comm_destroy(comm);
}

/* With the order given, the seed of the shuffle has no say; without, it has. */
static void given_orders_take_the_place_of_shuffles(void **unused) {
    (void)unused;
    for (size_t i = 0; i < 2; i++) {
        set_case_t test = {.keys = USUAL, EVERYBODY, .order = i ? as_they_stand : NULL};
        outcome_t one = run(test);
        test.seed = 1;
        outcome_t other = run(test);
        size_t differing = 0;
        for (size_t j = 0; j < one.length; j++)
            differing += one.up[j] != other.up[j];
        assert_true(i == (differing == 0));
    }
}

static void states_are_of_those_who_trained(void **unused) {
    (void)unused;
    outcome_t part = run((set_case_t){.keys = SET_KEYS("federated.algorithm", "scaffold"),
                                      .chosen = some,
                                      .count = 3,
                                      .broken = UINT32_MAX});
    assert_int_equal(part.kept, 3);
    assert_true(part.states[3][0] != 0 || part.states[3][1] != 0);
    outcome_t plain = run((set_case_t){.keys = USUAL, EVERYBODY});
    assert_int_equal(plain.kept, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(one_rank_waits_for_nobody),          TEST(a_sum_is_that_of_single_clients),
        TEST(rows_come_in_the_order_of_clients),  TEST(an_empty_set_changes_nothing),
        TEST(who_diverges_is_as_if_never_asked),  TEST(divergence_may_end_the_run),
        TEST(a_failure_before_the_round_ends_it), TEST(given_orders_take_the_place_of_shuffles),
        TEST(states_are_of_those_who_trained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
