/* Journals: blocks that a mark vouches for, whatever stands behind it. */
#include "support.h"

#include "fedmpi/core/text.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/io/bundle.h"
#include "fedmpi/io/journal.h"

static void append(fed_mark_t *mark, const char *content) {
    assert_ok(fed_journal_append(path_of("journal"), mark, content, strlen(content)));
}

static fed_status_t join(void *context, void *content, size_t bytes) {
    fed_text_append(context, "%.*s", (int)bytes, (const char *)content);
    fed_free(content);
    return FED_OK;
}

static void assert_reads(const fed_mark_t *mark, const char *expected) {
    fed_text_t joined = {0};
    fed_text_append(&joined, "%s", "");
    assert_ok(fed_journal_walk(path_of("journal"), mark, join, &joined));
    assert_string_equal(joined.chars, expected);
    fed_text_fini(&joined);
}

/* Nothing is given of a journal that is not whole. */
static fed_status_t take_none(void *context, void *content, size_t bytes) {
    (void)context, (void)bytes;
    fed_free(content);
    fail();
    return FED_OK;
}

static void assert_refused(const fed_mark_t *mark, const char *message) {
    assert_fails(FED_INPUT, message, fed_journal_walk(path_of("journal"), mark, take_none, NULL));
}

static void every_mark_keeps_its_blocks(void **state) {
    (void)state;
    fed_mark_t none = {0}, one = none, two, other;
    unlink(path_of("journal"));
    assert_reads(&none, "");
    append(&one, "first");
    two = one;
    append(&two, ", second");
    assert_reads(&none, "");
    assert_reads(&one, "first");
    assert_reads(&two, "first, second");

    other = one; /* goes on from an older mark */
    append(&other, "!");
    assert_reads(&one, "first");
    assert_reads(&other, "first!");
    assert_refused(&two, "journal: truncated: has ");

    other = none; /* begins anew */
    append(&other, "again");
    assert_reads(&other, "again");
    assert_refused(&one, "journal: damaged: the checksum does not fit at byte ");
}

/* What a run that was killed left behind does not count. */
static void a_torn_end_does_no_harm(void **state) {
    (void)state;
    fed_mark_t one = {0}, two;
    append(&one, "first");
    two = one;
    append(&two, ", second");
    size_t bytes;
    char *whole = read_file(path_of("journal"), &bytes);
    for (size_t kept = one.bytes; kept < bytes; kept++) {
        write_file("journal", whole, kept);
        assert_reads(&one, "first");
        assert_refused(&two, "journal: truncated: has ");
    }
    fed_mark_t again = one;
    append(&again, ", third");
    assert_reads(&again, "first, third");
    free(whole);
}

static void any_damage_is_noticed(void **state) {
    (void)state;
    fed_mark_t mark = {0};
    append(&mark, "first");
    append(&mark, "second");
    size_t bytes;
    char *whole = read_file(path_of("journal"), &bytes);
    assert_int_equal(bytes, mark.bytes);
    for (size_t at = 0; at < bytes; at++)
        for (int bit = 0; bit < 8; bit++) {
            whole[at] ^= (char)(1 << bit);
            write_file("journal", whole, bytes);
            assert_refused(&mark, "journal: damaged: the checksum does not fit at byte ");
            whole[at] ^= (char)(1 << bit);
        }
    free(whole);
}

static void a_wrong_mark_is_refused(void **state) {
    (void)state;
    fed_mark_t mark = {0}, wrong;
    append(&mark, "first");
    append(&mark, "second");
    for (size_t bytes = 1; bytes < mark.bytes; bytes++) {
        wrong = mark;
        wrong.bytes = bytes;
        assert_refused(&wrong, "journal: damaged");
    }
    wrong = mark;
    wrong.bytes = UINT64_MAX;
    assert_refused(&wrong, "journal: truncated");
    unlink(path_of("journal"));
    assert_refused(&mark, "journal: cannot read: No such file");
}

static void a_failing_append_keeps_mark_and_blocks(void **state) {
    (void)state;
    fed_mark_t mark = {0};
    append(&mark, "first");
    fed_mark_t before = mark;
    assert_fails(FED_INPUT, "nowhere/journal: cannot write: ",
                 fed_journal_append(path_of("nowhere/journal"), &mark, "x", 1));
    assert_memory_equal(&mark, &before, sizeof mark);
    assert_reads(&mark, "first");
}

static fed_status_t take_one(void *context, void *content, size_t bytes) {
    (void)bytes;
    fed_free(content);
    int *left = context;
    return --*left > 0 ? FED_OK : fed_fail(FED_FAILURE, "enough");
}

static void who_takes_may_end_it(void **state) {
    (void)state;
    fed_mark_t mark = {0};
    for (int block = 0; block < 3; block++)
        append(&mark, "block");
    int left = 2;
    assert_fails(FED_FAILURE, "enough",
                 fed_journal_walk(path_of("journal"), &mark, take_one, &left));
    assert_int_equal(left, 0);
}

/* Round after round: its two rows, and one of another table before them. */
static fed_status_t check_rows(void *context, void *content, size_t bytes) {
    int64_t *round = context;
    fed_bundle_t bundle;
    const void *found;
    size_t at = 0, count;
    assert_ok(fed_bundle_open(&bundle, content, bytes));
    assert_ok(fed_bundle_next_rows(&bundle, &fed_round_table, &at, &found, &count));
    assert_int_equal(count, 2);
    assert_int_equal(((const fed_round_row_t *)found)[1].round, 2 * ++*round);
    assert_ok(fed_bundle_next_rows(&bundle, &fed_round_table, &at, &found, &count));
    assert_int_equal(count, 0);
    fed_bundle_fini(&bundle);
    return FED_OK;
}

static void bundles_give_their_rows_in_order(void **state) {
    (void)state;
    fed_mark_t mark = {0};
    for (int64_t round = 1; round <= 3; round++) {
        fed_bundle_t bundle = {0};
        fed_round_row_t rows[2] = {{.round = 2 * round - 1}, {.round = 2 * round}};
        fed_client_row_t client = {.client = round};
        fed_bundle_put_rows(&bundle, &fed_client_table, &client, 1);
        fed_bundle_put_rows(&bundle, &fed_round_table, rows, 2);
        assert_ok(fed_journal_append(path_of("journal"), &mark, bundle.block, bundle.bytes));
        fed_bundle_fini(&bundle);
    }
    int64_t rounds = 0;
    assert_ok(fed_journal_walk(path_of("journal"), &mark, check_rows, &rounds));
    assert_int_equal(rounds, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_mark_keeps_its_blocks),
        TEST(a_torn_end_does_no_harm),
        TEST(any_damage_is_noticed),
        TEST(a_wrong_mark_is_refused),
        TEST(a_failing_append_keeps_mark_and_blocks),
        TEST(who_takes_may_end_it),
        TEST(bundles_give_their_rows_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
