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

static void numbers_travel_with_the_status(void **state) {
    (void)state;
    for (int failing = -1; failing < ranks; failing++) { /* -1: nobody */
        size_t values[5] = {0};                          /* of at most four ranks */
        values[rank] = (size_t)1 << (40 + rank);
        values[4] = (size_t)rank;
        if (rank == failing)
            fed_fail(FED_DIVERGED, "rank %d", rank);
        fed_status_t mine = rank == failing ? FED_DIVERGED : FED_OK;
        fed_status_t agreed = fed_comm_agree_largest(comm, mine, values, 5, NULL, NULL);
        assert_everywhere(agreed == (failing < 0 ? FED_OK : FED_DIVERGED));
        for (int r = 0; r < ranks; r++)
            assert_everywhere(values[r] == (size_t)1 << (40 + r));
        assert_everywhere(values[4] == (size_t)ranks - 1);
    }
}

static void long_messages_are_cut_not_broken(void **state) {
    (void)state;
    char text[2 * FED_MESSAGE_BYTES];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    bool mine = rank == ranks - 1;
    if (mine)
        fed_fail(FED_INPUT, "%s", text);
    fed_status_t agreed = fed_comm_agree(comm, mine ? FED_INPUT : FED_OK, NULL, NULL);
    size_t length = strlen(fed_error_message());
    assert_everywhere(agreed == FED_INPUT && length == FED_MESSAGE_BYTES - 1);
    assert_everywhere(strspn(fed_error_message(), "x") == length);
}

/* Counts its calls; at the last of them the one for whom all wait is told to come. */
typedef struct idler {
    size_t calls, most;
    bool goes_on; /* or says that nothing is left to do */
} idler_t;

static bool idle(void *context) {
    idler_t *idler = context;
    idler->calls++;
    if (idler->calls == idler->most)
        MPI_Send(NULL, 0, MPI_BYTE, ranks - 1, 0, MPI_COMM_WORLD);
    return idler->goes_on || idler->calls < idler->most;
}

/* The last rank comes when rank 0 has been idle so often: if it is not, none of them ends. */
static size_t calls_while_waiting(size_t most, bool goes_on) {
    idler_t idler = {.most = most, .goes_on = goes_on};
    if (ranks > 1 && rank == ranks - 1) {
        MPI_Recv(NULL, 0, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        fed_clock_sleep(0.05); /* in which it could be called once too often */
    }
    fed_comm_agree(comm, FED_OK, rank == 0 ? idle : NULL, &idler);
    return idler.calls;
}

static void waiting_ranks_do_useful_work(void **state) {
    (void)state;
    bool idles = rank == 0 && ranks > 1;
    size_t calls = calls_while_waiting(5, true);
    assert_everywhere(idles ? calls >= 5 : rank > 0 ? calls == 0 : true);
    calls = calls_while_waiting(3, false);
    assert_everywhere(idles ? calls == 3 : rank > 0 ? calls == 0 : true);
}

int main(int argc, char **argv) {
    ranks_init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        MPI_TEST(the_worst_status_is_everybodys),
        MPI_TEST(numbers_travel_with_the_status),
        MPI_TEST(long_messages_are_cut_not_broken),
        MPI_TEST(waiting_ranks_do_useful_work),
    };
    return ranks_fini(cmocka_run_group_tests(tests, NULL, NULL));
}
