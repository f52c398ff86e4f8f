/* INI text: what is a line, a comment, a value; what is none; what is written reads back. */
#include "support.h"

#include "fedmpi/config/ini.h"

#define NO_BREAK_SPACE "\xc2\xa0"

/* All that a text says, a line each: "number section.key=value", literal values between ''. */
static fed_status_t list_line(void *context, const fed_ini_line_t *line) {
    fed_text_t *list = context;
    if (!line->key)
        fed_text_append(list, "%d [%s]\n", line->number, line->section);
    else
        fed_text_append(list, line->value.literal ? "%d %s.%s='%s'\n" : "%d %s.%s=%s\n",
                        line->number, line->section, line->key, line->value.text);
    return FED_OK;
}

static fed_status_t read_bytes(const char *text, size_t bytes, fed_text_t *list) {
    *list = (fed_text_t){0};
    fed_text_append(list, "%s", "");
    return fed_ini_read(text, bytes, "run.ini", list_line, list);
}

static void assert_says(const char *text, const char *expected) {
    fed_text_t list;
    assert_ok(read_bytes(text, strlen(text), &list));
    assert_string_equal(list.chars, expected);
    fed_text_fini(&list);
}

static void assert_bytes_refused(const char *text, size_t bytes, const char *message) {
    fed_text_t list;
    assert_fails(FED_INPUT, message, read_bytes(text, bytes, &list));
    fed_text_fini(&list);
}

static void assert_refused(const char *text, const char *message) {
    assert_bytes_refused(text, strlen(text), message);
}

static void lines_are_sections_keys_and_comments(void **state) {
    (void)state;
    assert_says("", "");
    assert_says("\n \n\t\n", "");
    assert_says("; a\n# b\n  ; c = 1\n", "");
    assert_says("[a]\nk=v", "1 [a]\n2 a.k=v\n");
    assert_says("  [ a ]\n\tk = v w \t\n", "1 [a]\n2 a.k=v w\n");
    assert_says("[a]\nk : v = w\n", "1 [a]\n2 a.k=v = w\n");
    assert_says("[a]\nk = a:b\n", "1 [a]\n2 a.k=a:b\n");
    assert_says("[a]\nk =\nl = ;\nm = # c\n", "1 [a]\n2 a.k=\n3 a.l=\n4 a.m=\n");
    assert_says("before = 1\nbefore = 2\n[a]\n", "1 .before=1\n2 .before=2\n3 [a]\n");
    assert_says("[a];b\nk = [1, 2]\n", "1 [a]\n2 a.k=[1, 2]\n");
}

static void comments_stand_behind_a_blank(void **state) {
    (void)state;
    assert_says("[a] # b\nk = 1 ; c\nl = 1\t# c ; d\n", "1 [a]\n2 a.k=1\n3 a.l=1\n");
    assert_says("[a]\nk = a#b;c # d\n", "1 [a]\n2 a.k=a#b;c\n");
    assert_says("[a]\nk = v" NO_BREAK_SPACE "; c\n", "1 [a]\n2 a.k=v\n");
}

static void lines_end_as_on_any_machine(void **state) {
    (void)state;
    static const char expected[] = "1 [a]\n2 a.k=1\n4 a.l=2\n";
    assert_says("[a]\nk = 1\n\nl = 2\n", expected);
    assert_says("[a]\r\nk = 1\r\n\r\nl = 2\r\n", expected);
    assert_says("[a]\rk = 1\r\rl = 2", expected);
    assert_says("[a]\nk = 1\r\n\rl = 2\n", expected);
}

static void quotes_keep_what_is_in_them(void **state) {
    (void)state;
    assert_says("[a]\nk = 'v # w'\nl = \"v ; w\" ; c\n", "1 [a]\n2 a.k='v # w'\n3 a.l=v ; w\n");
    assert_says("[a]\nk = ' v '# c\nl = ''\nm = \"\"\n", "1 [a]\n2 a.k=' v '\n3 a.l=''\n4 a.m=\n");
    assert_says("[a]\nk = 'it''s'\nl = \"a\"\"b\"\nm = ''''\n",
                "1 [a]\n2 a.k='it's'\n3 a.l=a\"b\n4 a.m='''\n");
    assert_says("[a]\nk = it's \"so\"\n", "1 [a]\n2 a.k=it's \"so\"\n");
    assert_refused("[a]\nk = 'v\n", "run.ini:2: a.k: ' begins a quoted value that does not end");
    assert_refused("[a]\nk = \"v' ; \"\"\n", "run.ini:2: a.k: \" begins a quoted value");
    assert_refused("k = 'v' w\n",
                   "run.ini:1: k: behind the quoted value stands w; a ' in it is "
                   "written twice: ''");
}

static void lines_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"k",     "[a",    "a]",      "[]",  "[ ]",
                                        "[a] b", "= v",   "[a] [b]", ": v", "k ; c = v",
                                        "k # =", "- - -", "<xml a>", "{",   "\x01"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        FED_AUTOFREE char *text = fed_format("; c\n%s\n", wrong[i]);
        assert_refused(text, "run.ini:2: neither [section] nor key = value nor ; comment");
    }
}

static void what_is_there_twice_is_refused_with_both_lines(void **state) {
    (void)state;
    assert_refused("[a]\nk = 1\n\nk = 2\n", "run.ini:4: a.k is there twice, first on line 2");
    assert_refused("[a]\nk = 1\n[b]\n[a]\n", "run.ini:4: [a] is there twice, first on line 1");
    assert_says("[a]\nk = 1\n[b]\nk = 2\n", "1 [a]\n2 a.k=1\n3 [b]\n4 b.k=2\n");
}

static void encodings_other_than_utf8_are_named(void **state) {
    (void)state;
    assert_says("\xef\xbb\xbf[a]\nk = \xce\xb1\n", "1 [a]\n2 a.k=\xce\xb1\n");
    assert_says("\xef\xbb\xbf; c\n[a]\n", "2 [a]\n");
    assert_says("\xef\xbb\xbf", "");
    assert_bytes_refused("\xff\xfe[\0a\0]\0", 8, "run.ini: is UTF-16, accepted is UTF-8");
    assert_bytes_refused("\xfe\xff\0[\0a\0]", 8, "run.ini: is UTF-16");
    assert_bytes_refused("[\0a\0]\0", 6, "run.ini:1: has a NUL byte");
    assert_says("; \xe9t\xe9\n[a]\nk = 1 ; \xe9t\xe9\n", "2 [a]\n3 a.k=1\n");
}

static void a_nul_byte_anywhere_is_refused(void **state) {
    (void)state;
    static const char text[] = "\n[a]\nk = v\n; c\n";
    size_t bytes = sizeof text - 1;
    for (size_t at = 0; at <= bytes; at++) {
        char copy[sizeof text + 1];
        memcpy(copy, text, at);
        copy[at] = '\0';
        memcpy(copy + at + 1, text + at, bytes - at);
        int line = 1;
        for (size_t i = 0; i < at; i++)
            line += text[i] == '\n';
        FED_AUTOFREE char *expected = fed_format("run.ini:%d: has a NUL byte", line);
        assert_bytes_refused(copy, bytes + 1, expected);
    }
}

static void blanks_of_other_programs_are_blanks(void **state) {
    (void)state;
    assert_says("[" NO_BREAK_SPACE "a ]\n" NO_BREAK_SPACE "k" NO_BREAK_SPACE "=" NO_BREAK_SPACE
                "v" NO_BREAK_SPACE NO_BREAK_SPACE "\n",
                "1 [a]\n2 a.k=v\n");
    assert_says("[a]\nk = v" NO_BREAK_SPACE "w\n", "1 [a]\n2 a.k=v" NO_BREAK_SPACE "w\n");
}

static void lines_have_any_length(void **state) {
    (void)state;
    enum { LENGTH = 1 << 20 };
    char *filler = fed_alloc(LENGTH + 1, 1);
    memset(filler, 'x', LENGTH);
    char *text = fed_format("; %s\n[%s]\n%s = %s ; %s\n", filler, filler, filler, filler, filler);
    char *expected = fed_format("2 [%s]\n3 %s.%s=%s\n", filler, filler, filler, filler);
    assert_says(text, expected);
    fed_free(expected);
    fed_free(text);
    fed_free(filler);
}

static fed_status_t stop_at_k(void *context, const fed_ini_line_t *line) {
    ++*(int *)context;
    return line->key && strcmp(line->key, "k") == 0 ? fed_fail(FED_FAILURE, "enough") : FED_OK;
}

static void the_first_refusal_ends_the_reading(void **state) {
    (void)state;
    int calls = 0;
    static const char text[] = "[a]\nj = 1\nk = 1\nl = 1\nno line\n";
    assert_fails(FED_FAILURE, "enough",
                 fed_ini_read(text, sizeof text - 1, "run.ini", stop_at_k, &calls));
    assert_int_equal(calls, 3);
}

static void values_alone_have_no_comments(void **state) {
    (void)state;
    static const struct {
        const char *written, *text;
        bool literal;
    } cases[] = {
        {" a # b ; c ", "a # b ; c", false},
        {"'a'", "a", true},
        {"\"a b\" ", "a b", false},
        {"", "", false},
        {" ' a'", " a", true},
        {"#", "#", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FED_AUTOFREE char *copy = fed_strdup(cases[i].written);
        fed_ini_value_t value;
        assert_ok(fed_ini_read_value(copy, &value));
        assert_string_equal(value.text, cases[i].text);
        assert_int_equal(value.literal, cases[i].literal);
    }
    fed_ini_value_t value;
    char open[] = "'a", behind[] = "'a' # b";
    assert_fails(FED_INPUT, "does not end", fed_ini_read_value(open, &value));
    assert_fails(FED_INPUT, "stands # b", fed_ini_read_value(behind, &value));
}

/* --- Round trips ------------------------------------------------------------------------- */

/* The value in a line by itself, before a comment, and alone. */
static void assert_reads_back(const char *value, bool expanded) {
    fed_text_t ini = {0}, list;
    fed_text_append(&ini, "[a]\nk = ");
    fed_ini_append_value(&ini, value, expanded);
    FED_AUTOFREE char *alone = fed_strdup(ini.chars + strlen("[a]\nk = "));
    bool literal = *alone == '\'';
    fed_text_append(&ini, "\nl = ");
    fed_ini_append_value(&ini, value, expanded);
    fed_text_append(&ini, " ; comment\n");
    assert_ok(read_bytes(ini.chars, ini.length, &list));
    const char *quote = literal ? "'" : "";
    FED_AUTOFREE char *expected =
        fed_format("1 [a]\n2 a.k=%s%s%s\n3 a.l=%s%s%s\n", quote, value, quote, quote, value, quote);
    assert_string_equal(list.chars, expected);
    if (expanded && !literal)
        assert_true(*value != '~' && !strchr(value, '$'));
    fed_ini_value_t read;
    assert_ok(fed_ini_read_value(alone, &read));
    assert_string_equal(read.text, value);
    fed_text_fini(&list);
    fed_text_fini(&ini);
}

static void any_value_reads_back(void **state) {
    (void)state;
    static const char *const pieces[] = {" ",        "\t",
                                         "'",        "\"",
                                         ";",        "#",
                                         "=",        "[",
                                         "]",        ":",
                                         "$",        "~",
                                         "a",        "/",
                                         "x",        ",",
                                         "%",        "\\",
                                         "{",        NO_BREAK_SPACE,
                                         "\xc2\xa1", "\xe2\x80\xa0",
                                         "\xce\xb1"};
    enum { PIECES = sizeof pieces / sizeof *pieces };
    for (int round = 0; round < 20000; round++) {
        fed_text_t value = {0};
        fed_text_append(&value, "%s", "");
        for (uint64_t left = any_bits() % 9; left > 0; left--)
            fed_text_append(&value, "%s", pieces[any_bits() % PIECES]);
        assert_reads_back(value.chars, round % 2);
        fed_text_fini(&value);
    }
}

static void quotes_are_written_only_where_they_must(void **state) {
    (void)state;
    static const struct {
        const char *value, *plain, *path;
    } cases[] = {
        {"", "", ""},
        {"a b", "a b", "a b"},
        {"a#b;c", "a#b;c", "a#b;c"},
        {"a #b", "'a #b'", "'a #b'"},
        {" a", "' a'", "' a'"},
        {"it's", "it's", "it's"},
        {"'a'", "'''a'''", "'''a'''"},
        {"~/a", "~/a", "'~/a'"},
        {"a$b", "a$b", "'a$b'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_text_t plain = {0}, path = {0};
        fed_ini_append_value(&plain, cases[i].value, false);
        fed_ini_append_value(&path, cases[i].value, true);
        assert_string_equal(plain.chars, cases[i].plain);
        assert_string_equal(path.chars, cases[i].path);
        fed_text_fini(&plain);
        fed_text_fini(&path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(lines_are_sections_keys_and_comments),
        TEST(comments_stand_behind_a_blank),
        TEST(lines_end_as_on_any_machine),
        TEST(quotes_keep_what_is_in_them),
        TEST(lines_that_are_none_are_refused),
        TEST(what_is_there_twice_is_refused_with_both_lines),
        TEST(encodings_other_than_utf8_are_named),
        TEST(a_nul_byte_anywhere_is_refused),
        TEST(blanks_of_other_programs_are_blanks),
        TEST(lines_have_any_length),
        TEST(the_first_refusal_ends_the_reading),
        TEST(values_alone_have_no_comments),
        TEST(any_value_reads_back),
        TEST(quotes_are_written_only_where_they_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
