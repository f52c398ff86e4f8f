/* One status for all ranks: the worst, with its message; useful work while waiting. */
#include "ranks.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/core/clock.h"

static const fed_status_t statuses[] = {FED_OK, FED_STOPPED, FED_INPUT, FED_DIVERGED, FED_FAILURE};

/* This rank's status in a case: each rank takes each of the five in some case. */
static fed_status_t status_of(int r, size_t test) {
    size_t digit = test;
    for (int i = 0; i < r; i++)
        digit /= 5;
    return statuses[digit % 5];
}

static void the_worst_status_is_everybodys(void **state) {
    (void)state;
    size_t cases = 1;
    for (int r = 0; r < ranks && r < 3; r++)
        cases *= 5;
    for (size_t test = 0; test < cases; test++) {
        fed_status_t worst = FED_OK;
        int bearer = 0;
        for (int r = 0; r < ranks; r++)
            if (status_of(r, test) > worst) {
                worst = status_of(r, test);
                bearer = r; /* of those who have it, the lowest */
            }
        char expected[64];
        snprintf(expected, sizeof expected, "case %zu, rank %d", test, bearer);
        fed_status_t mine = status_of(rank, test);
        if (mine != FED_OK)
            fed_fail(mine, "case %zu, rank %d", test, rank);
        fed_status_t agreed = fed_comm_agree(comm, mine, NULL, NULL);
        assert_everywhere(agreed == worst);
        assert_everywhere(worst == FED_OK || strcmp(fed_error_message(), expected) == 0);
    }
}

static void long_messages_are_cut_not_broken(void **state) {
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    bool mine = rank == ranks - 1;
    if (mine)
        fed_fail(FED_INPUT, "%s", text);
    fed_status_t agreed = fed_comm_agree(comm, mine ? FED_INPUT : FED_OK, NULL, NULL);
    size_t length = strlen(fed_error_message());
    assert_everywhere(agreed == FED_INPUT && length > 1000 && length < 4999);
    assert_everywhere(strspn(fed_error_message(), "x") == length);
}

/* Counts its calls; nothing is left to do after `most` of them. */
typedef struct idler {
    size_t calls, most;
} idler_t;

static bool idle(void *context) {
    idler_t *idler = context;
    idler->calls++;
    fed_clock_sleep(0.001);
    return idler->calls < idler->most;
}

static idler_t wait_with(size_t most) {
    idler_t idler = {0, most};
    if (ranks > 1 && rank == ranks - 1)
        fed_clock_sleep(0.2);
    fed_comm_agree(comm, FED_OK, rank == 0 ? idle : NULL, &idler);
    return idler;
}

static void waiting_ranks_do_useful_work(void **state) {
    (void)state;
    idler_t idler = wait_with(SIZE_MAX);
    assert_everywhere(rank > 0 || ranks == 1 || idler.calls >= 5);
    idler = wait_with(3);
    assert_everywhere(rank > 0 ? idler.calls == 0 : idler.calls <= 3);
    assert_everywhere(rank > 0 || ranks == 1 || idler.calls == 3);
}

int main(int argc, char **argv) {
    ranks_init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        MPI_TEST(the_worst_status_is_everybodys),
        MPI_TEST(long_messages_are_cut_not_broken),
        MPI_TEST(waiting_ranks_do_useful_work),
    };
    return ranks_fini(cmocka_run_group_tests(tests, NULL, NULL));
}
