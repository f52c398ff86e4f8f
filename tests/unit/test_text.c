/* Growing strings, edit distance against its definition, sizes for people. */
#include "support.h"

#include "fedmpi/core/text.h"

static void a_text_grows(void **state) {
    (void)state;
    fed_text_t text = {0};
    fed_text_append(&text, "%s", "");
    assert_string_equal(text.chars, "");
    char expected[4001] = "";
    for (int i = 0; i < 1000; i++) {
        fed_text_append(&text, "%03d ", i);
        sprintf(expected + 4 * i, "%03d ", i);
        assert_int_equal(text.length, 4 * (i + 1));
    }
    assert_string_equal(text.chars, expected);
    fed_text_fini(&text);
    assert_null(text.chars);
}

/* Levenshtein's recursion as he wrote it. */
static size_t distance_by_definition(const char *a, const char *b) {
    if (!*a || !*b)
        return strlen(a) + strlen(b);
    size_t replaced = distance_by_definition(a + 1, b + 1) + (*a != *b);
    size_t deleted = distance_by_definition(a + 1, b) + 1;
    size_t inserted = distance_by_definition(a, b + 1) + 1;
    size_t smaller = deleted < inserted ? deleted : inserted;
    return replaced < smaller ? replaced : smaller;
}

static void distance_is_levenshteins(void **state) {
    (void)state;
    assert_int_equal(fed_text_distance("kitten", "sitting"), 3);
    for (size_t trial = 0; trial < trials(2000); trial++) {
        char words[2][7] = {"", ""};
        for (size_t w = 0; w < 2; w++)
            for (size_t i = 0, length = any_below(7); i < length; i++)
                words[w][i] = (char)('a' + any_below(3));
        assert_int_equal(fed_text_distance(words[0], words[1]),
                         distance_by_definition(words[0], words[1]));
    }
}

static void the_nearest_word_is_near(void **state) {
    (void)state;
    static const char *const words[] = {"epochs", "batch_size", "learning_rate"};
    assert_string_equal(fed_text_nearest("epohcs", words, 3), "epochs");
    assert_string_equal(fed_text_nearest("batchsize", words, 3), "batch_size");
    assert_string_equal(fed_text_nearest("learning_rate", words, 3), "learning_rate");
    assert_null(fed_text_nearest("xyz", words, 3));
    assert_null(fed_text_nearest("", words, 3));
    assert_null(fed_text_nearest("epochs", words, 0));
}

static void sizes_are_readable(void **state) {
    (void)state;
    const struct {
        double bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},         {999, "999 B"},     {999.6, "1.0 kB"},  {1000, "1.0 kB"},
        {9949, "9.9 kB"},   {9950, "10 kB"},    {797160, "797 kB"}, {1594320, "1.6 MB"},
        {999499, "999 kB"}, {999500, "1.0 MB"}, {5e10, "50 GB"},    {3e15, "3000 TB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[16];
        fed_text_bytes(text, cases[i].bytes);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_text_grows),
        TEST(distance_is_levenshteins),
        TEST(the_nearest_word_is_near),
        TEST(sizes_are_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
