/* UTF-8, at the borders of RFC 3629, section 4. */
#include "support.h"

#include "fedmpi/core/utf8.h"

static void utf8_is_told_from_other_bytes(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "plain",
        "Gr\xc3\xb6\xc3\x9f!",
        "\xe2\x80\x94",
        "\xf0\x9f\x98\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "\xe0\xa0\x80",
        "\xf0\x90\x80\x80",
        "\xc2\x80",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_null(fed_utf8_wrong(texts[i]));
    static const char *const wrong[] = {
        "\x80",
        "\xff",
        "\xc3",
        "\xc3(",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xe2\x80",
        "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        FED_AUTOFREE char *behind = fed_format("\xc3\xb6%s", wrong[i]);
        assert_ptr_equal(fed_utf8_wrong(behind), behind + 2);
    }
}

static void a_clean_text_is_one_line_of_utf8(void **state) {
    (void)state;
    const struct {
        const char *text, *clean;
    } cases[] = {
        {"plain, Gr\xc3\xb6\xc3\x9f!", "plain, Gr\xc3\xb6\xc3\x9f!"},
        {"a\nb\tc\x1b[31m\x7f", "a?b?c?[31m?"},
        {"\xe9t\xe9", "?t?"},
        {"cut in two: \xc3", "cut in two: ?"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FED_AUTOFREE char *text = fed_strdup(cases[i].text);
        fed_utf8_clean(text);
        assert_string_equal(text, cases[i].clean);
        assert_null(fed_utf8_wrong(text));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(utf8_is_told_from_other_bytes),
        TEST(a_clean_text_is_one_line_of_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
