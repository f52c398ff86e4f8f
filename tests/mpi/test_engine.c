/* The engine on any number of ranks against the engine alone: the same bits. */
#include "ranks.h"

#include "../unit/sets.h"

#include <math.h>

/* What every rank can compute for itself. */
static outcome_t run_alone(const set_case_t *test) {
    fed_comm_t *alone = fed_comm_alone();
    outcome_t outcome = run_sets(alone, test);
    fed_comm_destroy(alone);
    return outcome;
}

/* Bit for bit: also reals. */
static bool are_bits_same(const void *a, const void *b, size_t bytes) {
    return memcmp(a, b, bytes) == 0;
}

/* Rows, sums and counts are the server's. */
static bool is_same(const outcome_t *a, const outcome_t *b) {
    return a->count == b->count && a->averaged_count == b->averaged_count &&
           a->epoch_count == b->epoch_count && a->grown == b->grown &&
           are_bits_same(a->up, b->up, sizeof a->up) &&
           are_bits_same(a->client_rows, b->client_rows, sizeof a->client_rows) &&
           are_bits_same(a->cells, b->cells, sizeof a->cells) &&
           are_bits_same(a->epochs, b->epochs, sizeof a->epochs);
}

/* Each state is on one rank, and is what it is alone. */
static bool are_states_same(const outcome_t *all, const outcome_t *alone) {
    static const float nothing[SET_LENGTH];
    size_t kept = all->kept, everywhere = 0;
    for (size_t k = 0; k < SET_CLIENTS; k++)
        if (!are_bits_same(all->states[k], nothing, sizeof nothing) &&
            !are_bits_same(all->states[k], alone->states[k], sizeof nothing))
            return false;
    MPI_Allreduce(&kept, &everywhere, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    return everywhere == alone->kept;
}

static outcome_t check(set_case_t test) {
    if (test.rounds == 0)
        test.rounds = 2;
    outcome_t here = run_sets(comm, &test), alone = run_alone(&test);
    assert_everywhere(here.status == alone.status);
    assert_everywhere(rank > 0 || is_same(&here, &alone));
    bool states = are_states_same(&here, &alone);
    assert_everywhere(states);
    return alone;
}

static bool moves(const outcome_t *outcome) {
    double largest = 0;
    for (size_t j = 0; j < outcome->length; j++)
        largest = fmax(largest, fabs(outcome->up[j]));
    return largest > 1e-4;
}

#define EVERYBODY .chosen = everybody, .count = SET_CLIENTS, .broken = UINT32_MAX

static void sums_are_the_same_bits(void **state) {
    (void)state;
    static const char *const collectives[] = {"gather", "reduce"};
    for (size_t c = 0; c < 2; c++) {
        const char *const *keys = SET_KEYS("federated.collective", collectives[c]);
        outcome_t all = check((set_case_t){.keys = keys, EVERYBODY});
        assert_everywhere(all.count == SET_CLIENTS && all.epoch_count == 4 && moves(&all));
    }
    check((set_case_t){.keys = SET_KEYS("federated.weighting", "uniform"), EVERYBODY});
}

static void single_updates_are_the_same_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < fed_aggregations.count; i++) {
        const char *rule = fed_aggregations.entries[i]->name;
        const char *const *keys = SET_KEYS("federated.aggregation", rule);
        outcome_t all = check((set_case_t){.keys = keys, EVERYBODY});
        assert_everywhere(moves(&all));
        check((set_case_t){
            .keys = SET_KEYS("federated.aggregation", rule, "federated.on_divergence", "skip"),
            .chosen = everybody,
            .count = SET_CLIENTS,
            .broken = 3});
    }
}

static void cells_stay_with_their_rows(void **state) {
    (void)state;
    const char *const *keys =
        SET_KEYS("federated.aggregation", "norm_bound", "federated.norm_bound", "0.05");
    outcome_t all = check((set_case_t){.keys = keys, EVERYBODY});
    int64_t cut = 0;
    for (size_t i = 0; i < SET_CLIENTS; i++) {
        assert_everywhere(all.cells[i].integer == (all.client_rows[i].update_norm > 0.05));
        cut += all.cells[i].integer;
    }
    assert_everywhere(cut > 0 && cut < SET_CLIENTS);
}

/* In the sums or looked at, with all vectors that an algorithm has clients send. */
static void encoded_updates_are_the_same_bits(void **state) {
    (void)state;
    static const char *const rules[] = {"mean", "median", "multi_krum"};
    for (size_t i = 0; i < fed_encoders.count; i++)
        for (size_t r = 0; r < 3; r++) {
            const char *const *keys = SET_KEYS(
                "federated.encoders", fed_encoders.entries[i]->name, "federated.aggregation",
                rules[r], "federated.algorithm", "scaffold", "federated.norm_bound", "0.01");
            outcome_t all = check((set_case_t){.keys = keys, EVERYBODY});
            assert_everywhere(moves(&all));
        }
}

static void sets_may_be_smaller_than_the_ranks(void **state) {
    (void)state;
    static const char *const rules[] = {"mean", "median"};
    for (size_t r = 0; r < 2; r++)
        for (size_t count = 0; count < 3; count++) {
            outcome_t few = check((set_case_t){.keys = SET_KEYS("federated.aggregation", rules[r]),
                                               .chosen = some,
                                               .count = count,
                                               .broken = UINT32_MAX});
            assert_everywhere(few.status == FED_OK && few.count == count);
        }
}

static void clients_that_diverge_are_left_out(void **state) {
    (void)state;
    outcome_t left = check((set_case_t){.keys = SET_KEYS("federated.on_divergence", "skip"),
                                        .chosen = everybody,
                                        .count = SET_CLIENTS,
                                        .broken = 3});
    assert_everywhere(left.status == FED_OK && left.averaged_count == SET_CLIENTS - 1);
    assert_everywhere(left.client_rows[3].diverged == 1 && left.grown > 1);
}

/* On whichever rank it was, all hear of it. */
static void divergence_ends_the_set_everywhere(void **state) {
    (void)state;
    for (uint32_t broken = 0; broken < SET_CLIENTS; broken++) {
        outcome_t none = check((set_case_t){.keys = SET_KEYS("federated.on_divergence", "stop"),
                                            .chosen = everybody,
                                            .count = SET_CLIENTS,
                                            .broken = broken});
        assert_everywhere(none.status == FED_DIVERGED);
    }
    outcome_t all = check((set_case_t){.keys = SET_KEYS("federated.on_divergence", "skip"),
                                       .chosen = everybody,
                                       .count = SET_CLIENTS,
                                       .broken = SET_CLIENTS});
    assert_everywhere(all.status == FED_DIVERGED);
    assert_everywhere(strstr(fed_error_message(), "all 7 clients diverged") != NULL);
}

/* A rank that has failed by itself before the round ends it for all. */
static void a_status_of_one_rank_becomes_everybodys(void **state) {
    (void)state;
    set_case_t test = {.keys = SET_KEYS("federated.rounds", "1"), EVERYBODY};
    for (int bearer = 0; bearer < ranks; bearer++) {
        problem_t problem;
        fed_engine_t *engine;
        fed_task_t task = {.client = 1, .weight = 1};
        set_problem(&problem, &test);
        fed_status_t made = fed_engine_create(comm, &problem.view, NULL, &engine);
        assert_everywhere(made == FED_OK);
        fed_engine_begin(engine, 1,
                         rank == bearer ? fed_fail(FED_INPUT, "rank %d is full", rank) : FED_OK);
        fed_status_t status = fed_engine_train(engine, &task, 0);
        char expected[32];
        snprintf(expected, sizeof expected, "rank %d is full", bearer);
        assert_everywhere(status == FED_INPUT && strcmp(fed_error_message(), expected) == 0);
        fed_engine_destroy(engine);
        problem_fini(&problem);
    }
}

static void states_stay_with_their_clients(void **state) {
    (void)state;
    static const char *const algorithms[] = {"scaffold", "feddyn"};
    for (size_t a = 0; a < 2; a++) {
        outcome_t all = check((set_case_t){
            .keys = SET_KEYS("federated.algorithm", algorithms[a]), EVERYBODY, .rounds = 3});
        assert_everywhere(all.kept == SET_CLIENTS);
    }
    outcome_t part = check((set_case_t){
        .keys = SET_KEYS("federated.algorithm", "scaffold", "federated.on_divergence", "skip"),
        .chosen = some,
        .count = 3,
        .broken = 4});
    assert_everywhere(part.kept == 2); /* who diverged keeps what it had: nothing */
}

static void given_orders_are_followed(void **state) {
    (void)state;
    check(
        (set_case_t){.keys = SET_KEYS("federated.rounds", "1"), EVERYBODY, .order = as_they_stand});
}

int main(int argc, char **argv) {
    setenv("FEDMPI_CORES", "64", 1); /* all ranks train, whatever the machine has */
    ranks_init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        MPI_TEST(sums_are_the_same_bits),
        MPI_TEST(single_updates_are_the_same_bits),
        MPI_TEST(encoded_updates_are_the_same_bits),
        MPI_TEST(cells_stay_with_their_rows),
        MPI_TEST(sets_may_be_smaller_than_the_ranks),
        MPI_TEST(clients_that_diverge_are_left_out),
        MPI_TEST(divergence_ends_the_set_everywhere),
        MPI_TEST(a_status_of_one_rank_becomes_everybodys),
        MPI_TEST(states_stay_with_their_clients),
        MPI_TEST(given_orders_are_followed),
    };
    return ranks_fini(cmocka_run_group_tests(tests, NULL, NULL));
}
