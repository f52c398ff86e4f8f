/* What ranks say of themselves, and whether they say the same. */
#include "ranks.h"

#include "fedmpi/comm/nodes.h"

static void what_is_the_same_passes(void **state) {
    (void)state;
    char text[40];
    snprintf(text, sizeof text, "rank %d", rank);
    assert_everywhere(fed_comm_agree_text(comm, "texts", "the same") == FED_OK);
    assert_everywhere(fed_comm_agree_text(comm, "texts", "") == FED_OK);
    assert_everywhere(fed_comm_agree_text(comm, "texts", rank == 0 ? "only here" : NULL) == FED_OK);
    assert_everywhere((fed_comm_agree_text(comm, "texts", text) == FED_OK) == (ranks == 1));
}

/* One rank, or all from one on, have another text: the message has both, with their ranks. */
static void what_differs_is_everybodys_failure(void **state) {
    (void)state;
    for (int odd = 1; odd < ranks; odd++)
        for (int last = odd; last<ranks; last += ranks - odd> 1 ? ranks - 1 - odd : ranks) {
            bool differs = rank >= odd && rank <= last;
            fed_status_t status = fed_comm_agree_text(comm, "files",
                                                      differs    ? "other"
                                                      : rank % 2 ? NULL
                                                                 : "first");
            const char *message = fed_error_message();
            char expected[64], more[64];
            snprintf(expected, sizeof expected, "(rank %d)", odd);
            snprintf(more, sizeof more, "and another on %d more", last - odd);
            assert_everywhere(status == FED_INPUT);
            assert_everywhere(strstr(message, "files differ between nodes: other on ") == message);
            assert_everywhere(strstr(message, expected) && strstr(message, "(rank 0)"));
            assert_everywhere(strstr(message, ", first on "));
            assert_everywhere((strstr(message, more) != NULL) == (last > odd));
        }
}

static void long_texts_are_cut(void **state) {
    (void)state;
    char text[2 * FED_COMM_TEXT_BYTES];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_everywhere(fed_comm_agree_text(comm, "texts", text) == FED_OK);
    FED_AUTOFREE char *all = fed_comm_distinct(comm, text, "; ");
    assert_everywhere(rank == 0 ? strlen(all) == FED_COMM_TEXT_BYTES - 1 : !all);
}

static void each_text_is_named_once(void **state) {
    (void)state;
    FED_AUTOFREE char *all = fed_comm_distinct(comm, rank % 2 ? "odd" : "even", "; ");
    const char *expected = ranks > 1 ? "even; odd" : "even";
    assert_everywhere(rank == 0 ? strcmp(all, expected) == 0 : !all);
}

static void hosts_are_blamed_for_their_failures(void **state) {
    (void)state;
    assert_everywhere(fed_comm_nodes(comm) == 1); /* the tests' one node */
    assert_everywhere(fed_comm_blame_host(comm, FED_OK) == FED_OK);
    fed_status_t status = fed_comm_blame_host(comm, fed_fail(FED_INPUT, "no file"));
    char expected[64];
    snprintf(expected, sizeof expected, ", rank %d)", rank);
    const char *message = fed_error_message();
    assert_everywhere(status == FED_INPUT && strncmp(message, "no file", 7) == 0);
    assert_everywhere(rank == 0 ? message[7] == '\0' : strstr(message, expected) != NULL);
}

int main(int argc, char **argv) {
    ranks_init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        MPI_TEST(what_is_the_same_passes),
        MPI_TEST(what_differs_is_everybodys_failure),
        MPI_TEST(long_texts_are_cut),
        MPI_TEST(each_text_is_named_once),
        MPI_TEST(hosts_are_blamed_for_their_failures),
    };
    return ranks_fini(cmocka_run_group_tests(tests, NULL, NULL));
}
