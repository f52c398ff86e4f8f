/* Memory that the ranks of a node share. */
#include "ranks.h"

#include "fedmpi/comm/shared.h"

static fed_shared_t *shared_of(size_t bytes) {
    fed_shared_t *shared;
    fed_status_t status = fed_shared_create(comm, bytes, &shared);
    assert_everywhere(status == FED_OK);
    return shared;
}

static void what_the_leader_writes_all_read(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 63, 64, 4097, (size_t)5 << 20};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        fed_shared_t *shared = shared_of(sizes[s]);
        unsigned char *bytes = fed_shared_bytes(shared);
        assert_everywhere((uintptr_t)bytes % FED_ALIGNMENT == 0);
        if (fed_comm_leads_node(comm))
            for (size_t i = 0; i < sizes[s]; i++)
                bytes[i] = (unsigned char)(i * 31 + s);
        fed_shared_publish(shared);
        bool same = true;
        for (size_t i = 0; i < sizes[s]; i++)
            same &= bytes[i] == (unsigned char)(i * 31 + s);
        assert_everywhere(same);
        fed_shared_destroy(shared);
    }
}

static void it_starts_with_zeros(void **state) {
    (void)state;
    fed_shared_t *shared = shared_of(100000);
    const unsigned char *bytes = fed_shared_bytes(shared);
    bool zeros = true;
    for (size_t i = 0; i < 100000; i++)
        zeros &= bytes[i] == 0;
    assert_everywhere(zeros);
    fed_shared_destroy(shared);
    fed_shared_destroy(NULL);
}

static void several_live_side_by_side(void **state) {
    (void)state;
    fed_shared_t *first = shared_of(1000), *second = shared_of(1000);
    if (fed_comm_leads_node(comm)) {
        memset(fed_shared_bytes(first), 1, 1000);
        memset(fed_shared_bytes(second), 2, 1000);
    }
    fed_shared_publish(first);
    fed_shared_publish(second);
    const unsigned char *of_first = fed_shared_bytes(first), *of_second = fed_shared_bytes(second);
    assert_everywhere(of_first[999] == 1 && of_second[0] == 2);
    fed_shared_destroy(first);
    assert_everywhere(of_second[999] == 2);
    fed_shared_destroy(second);
}

/* In each round each number once, whoever takes it, in ascending order on each rank. */
static void each_turn_is_taken_once(void **state) {
    (void)state;
    enum { TURNS = 1000, ROUNDS = 5 };
    fed_shared_t *turns = shared_of(sizeof(uint64_t));
    for (uint32_t round = 1; round <= 10 * ROUNDS; round += 10) {
        size_t own[TURNS] = {0};
        bool ascending = true;
        for (uint32_t turn, last = 0, first = 1;
             (turn = fed_shared_take_turn(turns, round)) < TURNS; last = turn, first = 0) {
            own[turn]++;
            ascending &= first || turn > last;
        }
        size_t taken[TURNS];
        MPI_Allreduce(own, taken, TURNS, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
        size_t once = 0;
        for (size_t t = 0; t < TURNS; t++)
            once += taken[t] == 1;
        assert_everywhere(ascending && once == TURNS);
    }
    fed_shared_destroy(turns);
}

static void a_round_that_others_have_left_has_no_turns(void **state) {
    (void)state;
    fed_shared_t *turns = shared_of(sizeof(uint64_t));
    uint32_t new = fed_shared_take_turn(turns, 2), old = fed_shared_take_turn(turns, 1);
    uint32_t later = fed_shared_take_turn(turns, 2);
    assert_everywhere(old == UINT32_MAX && later > new);
    fed_shared_destroy(turns);
}

int main(int argc, char **argv) {
    ranks_init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        MPI_TEST(what_the_leader_writes_all_read),
        MPI_TEST(it_starts_with_zeros),
        MPI_TEST(several_live_side_by_side),
        MPI_TEST(each_turn_is_taken_once),
        MPI_TEST(a_round_that_others_have_left_has_no_turns),
    };
    return ranks_fini(cmocka_run_group_tests(tests, NULL, NULL));
}
