/* Decimal numbers: what is one, and which are integers. */
#include "support.h"

#include "fedmpi/core/number.h"

#include <inttypes.h>

static void assert_integer(const char *text, int64_t expected) {
    int64_t value = ~expected;
    if (!fed_number_integer(text, &value) || value != expected)
        fail_msg("%s is %" PRId64 ", not %" PRId64, text, value, expected);
}

static void assert_none(const char *text, bool real) {
    int64_t integer = 77;
    double number = 77;
    if (real ? fed_number_real(text, &number) : fed_number_integer(text, &integer))
        fail_msg("%s was taken", text);
    assert_true(integer == 77 && number == 77);
}

static void integers_are_exact(void **state) {
    (void)state;
    assert_integer("0", 0);
    assert_integer("-0", 0);
    assert_integer("+7", 7);
    assert_integer("007", 7);
    assert_integer("1e3", 1000);
    assert_integer("1E+3", 1000);
    assert_integer("1.5e2", 150);
    assert_integer("-2.50e1", -25);
    assert_integer("3.000", 3);
    assert_integer("1200e-2", 12);
    assert_integer(".5e1", 5);
    assert_integer("5.", 5);
    assert_integer("0e99", 0);
    assert_integer("0.000001e6", 1);
    assert_integer("9223372036854775807", INT64_MAX);
    assert_integer("-9223372036854775808", INT64_MIN);
    assert_integer("9.223372036854775807e18", INT64_MAX);
    assert_integer("9007199254740993e0", 9007199254740993); /* no double */
    static const char *const none[] = {"1.5",   "1e-3",  "0.1e0", "9223372036854775808",
                                       "1e19",  "1e99",  "1e100", "1e9999999999999999999999",
                                       "12e-1", "1.05e1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_none(none[i], false);
}

static void reals_are_decimal(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
    } numbers[] = {{"0.1", 0.1}, {"1e-3", 1e-3}, {".5", 0.5},   {"3", 3},
                   {"-2.", -2},  {"+1E2", 100},  {"1e-400", 0}, {"0.1000000000000000055", 0.1}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double value = 77;
        assert_true(fed_number_real(numbers[i].text, &value));
        assert_true(value == numbers[i].value);
    }
    assert_none("1e400", true);
}

static void what_is_no_number_is_neither(void **state) {
    (void)state;
    static const char *const none[] = {
        "",    " ",   " 1",    "1 ",    "+",        "-",    ".",        "e3",
        "1e",  "1e+", "--1",   "0x10",  "0X1p3",    "nan",  "inf",      "-inf",
        "1,5", "1_0", "1.2.3", "1e2.5", "infinity", "1e3x", "\xd9\xa3", "1\xc2\xa0"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_none(none[i], false);
        assert_none(none[i], true);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(integers_are_exact),
        TEST(reals_are_decimal),
        TEST(what_is_no_number_is_neither),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
