/* What users write: paths with ~ and $NAME, quotes behind --set, and hints for slips. */
#include "support.h"

#include "fedmpi/run/rooms.h"

#include <pwd.h>

static fed_config_t config;

static int set_up(void **state) {
    (void)state;
    fed_config_init(&config, fed_rooms);
    setenv("HOME", "/home/me", 1);
    setenv("FOLDER_2", "/scratch/a b", 1);
    setenv("EMPTY", "", 1);
    unsetenv("NOT_THERE");
    return 0;
}

static int tear_down(void **state) {
    fed_config_fini(&config);
    return nothing_is_left(state);
}

#define WITH_CONFIG(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static const char *text_of(const char *dotted) {
    return fed_config_value(&config, dotted)->text;
}

/* --- Paths ------------------------------------------------------------------------------- */

static void assert_path(const char *written, const char *expected) {
    FED_AUTOFREE char *assignment = fed_format("data.path=%s", written);
    FED_AUTOFREE char *ini = fed_format("[data]\npath = %s # comment\n", written);
    assert_ok(fed_config_override(&config, assignment));
    assert_string_equal(text_of("data.path"), expected);
    assert_ok(fed_config_read_file(&config, write_text("path.ini", ini)));
    assert_string_equal(text_of("data.path"), expected);
}

static void assert_no_path(const char *written, const char *message) {
    FED_AUTOFREE char *assignment = fed_format("data.path=%s", written);
    FED_AUTOFREE char *ini = fed_format("[data]\npath = %s\n", written);
    FED_AUTOFREE char *option = fed_format("--set: data.path = %s: %s", written, message);
    FED_AUTOFREE char *line = fed_format("path.ini:2: data.path = %s: %s", written, message);
    assert_fails(FED_INPUT, option, fed_config_override(&config, assignment));
    assert_fails(FED_INPUT, line, fed_config_read_file(&config, write_text("path.ini", ini)));
}

static void homes_and_variables_are_expanded_in_paths(void **state) {
    (void)state;
    assert_path("~", "/home/me");
    assert_path("~/data", "/home/me/data");
    assert_path("a~/b", "a~/b");
    assert_path("$HOME/x", "/home/me/x");
    assert_path("${HOME}x/$FOLDER_2/${FOLDER_2}", "/home/mex//scratch/a b//scratch/a b");
    assert_path("\"$FOLDER_2 # x\"", "/scratch/a b # x");
    FED_AUTOFREE char *expected = fed_format("%s/x", getpwuid(0)->pw_dir);
    assert_path("~root/x", expected);
}

static void single_quotes_keep_them(void **state) {
    (void)state;
    assert_path("'~/$HOME'", "~/$HOME");
    assert_path("'$'", "$");
}

static void what_is_not_there_is_a_mistake(void **state) {
    (void)state;
    assert_no_path("$NOT_THERE/x", "environment variable NOT_THERE is not set; '...' around");
    assert_no_path("x/${NOT_THERE}", "environment variable NOT_THERE is not set");
    assert_no_path("$EMPTY/x", "environment variable EMPTY is empty");
    assert_no_path("~no-such-user/x", "there is no user no-such-user");
    static const char *const wrong[] = {"a$", "$1", "${HOME", "${}", "$-", "${HOME:-x}", "$$"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_no_path(wrong[i], "accepted behind $ is NAME or {NAME} of an environment variable");
    unsetenv("HOME");
    assert_no_path("~/x", "environment variable HOME is not set");
}

static void all_paths_and_no_other_keys_are_expanded(void **state) {
    (void)state;
    static const char *const paths[] = {"data.path", "partition.file", "model.init",
                                        "checkpoint.file", "output.file"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        set(&config, paths[i], "~/x");
        assert_string_equal(text_of(paths[i]), "/home/me/x");
    }
    size_t count = 0;
    for (size_t i = 0; i < config.count; i++)
        count += config.values[i].key->type == FED_KEY_PATH;
    assert_int_equal(count, sizeof paths / sizeof *paths);
    set(&config, "experiment.name", "~/$HOME");
    assert_string_equal(text_of("experiment.name"), "~/$HOME");
}

static void includes_are_paths(void **state) {
    (void)state;
    setenv("FOLDER_2", path_of(""), 1);
    write_text("base # 1.ini", "[training]\nepochs = 3\n");
    assert_ok(fed_config_read_file(&config, write_text("top.ini",
                                                       "include = \"${FOLDER_2}/base # 1.ini\"\n"
                                                       "include = 'base # 1.ini' # again\n")));
    assert_string_equal(text_of("training.epochs"), "3");
    assert_fails(FED_INPUT, "top.ini:1: include = $NOT_THERE: environment variable NOT_THERE",
                 fed_config_read_file(&config, write_text("top.ini", "include = $NOT_THERE\n")));
}

static void what_was_expanded_is_not_expanded_again(void **state) {
    (void)state;
    assert_ok(fed_config_set(&config, "output", "file", "~/$NOT_THERE", "here"));
    assert_string_equal(text_of("output.file"), "~/$NOT_THERE");
    fed_text_t ini = {0};
    fed_config_write(&config, false, &ini);
    assert_non_null(strstr(ini.chars, "\nfile = '~/$NOT_THERE'\n"));
    assert_ok(fed_config_read_text(&config, ini.chars, "text"));
    assert_string_equal(text_of("output.file"), "~/$NOT_THERE");
    fed_text_fini(&ini);
}

/* --- Values behind --set ----------------------------------------------------------------- */

static void quotes_and_blanks_are_taken_off(void **state) {
    (void)state;
    set(&config, "data.dataset", " \"idx\" ");
    assert_string_equal(text_of("data.dataset"), "idx");
    set(&config, "experiment.name", "a # b ; c");
    assert_string_equal(text_of("experiment.name"), "a # b ; c");
    set(&config, "experiment.name", "' a '");
    assert_string_equal(text_of("experiment.name"), " a ");
    assert_fails(FED_INPUT, "--set: experiment.name: ' begins a quoted value that does not end",
                 fed_config_override(&config, "experiment.name='a"));
    assert_fails(FED_INPUT, "--output: output.file: behind the quoted value stands b",
                 fed_config_set_written(&config, "output", "file", "'a' b", "--output"));
}

/* --- Hints ------------------------------------------------------------------------------- */

static void slips_get_a_hint(void **state) {
    (void)state;
    static const char *const slips[][2] = {
        {"federated.algorithm=fedadam",
         "; fedadam is a server optimizer: federated.server_optimizer = adam"},
        {"federated.algorithm=FedAvgM",
         "; FedAvgM is a server optimizer: federated.server_optimizer = momentum"},
        {"federated.algorithm=krum", "; krum is an aggregation: federated.aggregation = krum"},
        {"federated.algorithm=FedAvg", "; did you mean fedavg?"},
        {"federated.algorithm=fedvag", "; did you mean fedavg?"},
        {"federated.server_optimizer=FedYogi", "; did you mean yogi?"},
        {"data.normalize=Unit", "; did you mean unit?"},
        {"centralized.enabled=False", "; did you mean false?"},
        {"training.learning_rate=0,05", "; decimals stand behind a point"},
        {"training.learning_rate=0x10", "; hexadecimal 0x10 is 16"},
        {"federated.rounds=0x10", "; hexadecimal 0x10 is 16"},
        {"model.hidden=[32, 32]", "; without brackets"},
        {"rounds=3", "accepted is SECTION.KEY=VALUE; did you mean --set federated.rounds=3?"},
        {"epochs=3", "did you mean --set training.epochs=3 or --set centralized.epochs=3?"},
        {"epochs", "did you mean --set training.epochs or --set centralized.epochs?"},
        {"federated.batch_size=3",
         "unknown key federated.batch_size; did you mean training.batch_size? [federated] has"},
        {"Training.epochs=3", "unknown section [Training] (key epochs); did you mean [training]?"},
        {"training.Epochs=3", "unknown key training.Epochs; did you mean epochs?"},
        {"TRAINING.epochs=3", "unknown section [TRAINING] (key epochs); did you mean [training]?"},
    };
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++)
        assert_fails(FED_INPUT, slips[i][1], fed_config_override(&config, slips[i][0]));
    assert_fails(FED_INPUT,
                 "a.ini:1: key epochs stands before the first [section]; did you mean "
                 "training.epochs or centralized.epochs?",
                 fed_config_read_file(&config, write_text("a.ini", "epochs = 3\n")));
}

static void nonsense_gets_none(void **state) {
    (void)state;
    static const char *const nonsense[] = {"federated.algorithm=zzzzzzzz", "federated.rounds=many",
                                           "centralized.enabled=perhaps",
                                           "federated.algorithm=the"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        assert_fails(FED_INPUT, "accepted is", fed_config_override(&config, nonsense[i]));
        assert_null(strchr(fed_error_message(), ';'));
    }
}

static void long_values_are_shown_in_part(void **state) {
    (void)state;
    char *list = fed_alloc(100002, 1);
    for (size_t i = 0; i < 100000; i++)
        list[i] = i % 2 ? ',' : '1';
    list[100000] = 'x';
    assert_fails(FED_INPUT, " ... ,1,", fed_config_set(&config, "model", "hidden", list, "here"));
    assert_true(strlen(fed_error_message()) < 300);
    assert_non_null(strstr(fed_error_message(), "1,x (100001 characters): accepted is integers"));
    fed_free(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_CONFIG(homes_and_variables_are_expanded_in_paths),
        WITH_CONFIG(single_quotes_keep_them),
        WITH_CONFIG(what_is_not_there_is_a_mistake),
        WITH_CONFIG(all_paths_and_no_other_keys_are_expanded),
        WITH_CONFIG(includes_are_paths),
        WITH_CONFIG(what_was_expanded_is_not_expanded_again),
        WITH_CONFIG(quotes_and_blanks_are_taken_off),
        WITH_CONFIG(slips_get_a_hint),
        WITH_CONFIG(nonsense_gets_none),
        WITH_CONFIG(long_values_are_shown_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
