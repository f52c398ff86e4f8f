/* The configuration: every key, every way to get it wrong, files, includes, round trips. */
#include "support.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/core/utf8.h"
#include "fedmpi/data/dataset.h"
#include "fedmpi/data/partition.h"
#include "fedmpi/fl/optimizer.h"
#include "fedmpi/fl/training.h"
#include "fedmpi/run/rooms.h"
#include "fedmpi/sim/federated.h"

#include <math.h>

static fed_status_t read_ini(const char *text) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    fed_status_t status = fed_config_read_file(&config, write_text("test.ini", text));
    fed_config_fini(&config);
    return status;
}

/* All keys: their values are not looked at. */
static fed_config_t all;

static int set_up(void **state) {
    fed_config_init(&all, fed_rooms);
    nothing_is_left(state); /* but this, which lives through all tests */
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fed_config_fini(&all);
    return 0;
}

static fed_status_t try_value(const fed_config_value_t *of, const char *value) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    fed_status_t status = fed_config_set(&config, of->section, of->key->name, value, "test.ini:7");
    fed_config_fini(&config);
    return status;
}

static bool is_number(const fed_key_t *key) {
    return key->type == FED_KEY_INTEGER || key->type == FED_KEY_REAL ||
           key->type == FED_KEY_INTEGERS;
}

static bool is_text(const fed_key_t *key) {
    return key->type == FED_KEY_TEXT || key->type == FED_KEY_PATH;
}

static bool is_word(const fed_key_t *key) {
    return key->type == FED_KEY_BOOLEAN || key->type == FED_KEY_CHOICE ||
           key->type == FED_KEY_NAME || key->type == FED_KEY_NAMES;
}

/* Refused with the place, the key, the value as written and what is accepted. */
static void assert_refused(const fed_config_value_t *of, const char *value) {
    char *accepted = fed_key_accepted(of->key);
    char *message = fed_format("test.ini:7: %s.%s = %s: accepted is %s", of->section, of->key->name,
                               *value ? value : "(nothing)", accepted);
    assert_fails(FED_INPUT, message, try_value(of, value));
    const char *hint = fed_error_message() + strlen(message);
    assert_true(strncmp(fed_error_message(), message, strlen(message)) == 0);
    assert_true(!*hint || strncmp(hint, "; ", 2) == 0);
    fed_free(message);
    fed_free(accepted);
}

static void defaults_are_accepted_and_explained(void **state) {
    (void)state;
    for (size_t i = 0; i < all.count; i++) {
        const fed_config_value_t *of = &all.values[i];
        const fed_key_t *key = of->key;
        assert_ok(try_value(of, key->initial));
        assert_true(strlen(key->help) > 5);
        char *accepted = fed_key_accepted(key);
        assert_true(strlen(accepted) > 2);
        fed_free(accepted);
    }
}

static void wrong_types_are_refused(void **state) {
    (void)state;
    static const char *const not_numbers[] = {"many", "1x", "0x10", "1 2", "--1", "nan", "inf"};
    static const char *const not_integers[] = {"1.5", "1e-3", "99999999999999999999", "1,,2"};
    static const char *const not_words[] = {"maybe", "TRUE", "3", " | ", "unit |"};
    for (size_t i = 0; i < all.count; i++) {
        const fed_config_value_t *of = &all.values[i];
        const fed_key_t *key = of->key;
        for (size_t w = 0; is_number(key) && w < 7; w++)
            assert_refused(of, not_numbers[w]);
        for (size_t w = 0; is_number(key) && key->type != FED_KEY_REAL && w < 4; w++)
            assert_refused(of, not_integers[w]);
        if (is_word(key))
            for (size_t w = 0; w < 5; w++)
                assert_refused(of, not_words[w]);
        if (!is_text(key) && key->type != FED_KEY_INTEGERS && key->type != FED_KEY_NAMES)
            assert_refused(of, "");
        if (is_text(key)) {
            assert_fails(FED_INPUT, "= two?lines: accepted is ", try_value(of, "two\nlines"));
            assert_fails(FED_INPUT, "= a?b: accepted is ", try_value(of, "a\033b"));
        }
    }
}

static void ranges_end_where_they_say(void **state) {
    (void)state;
    for (size_t i = 0; i < all.count; i++) {
        const fed_config_value_t *of = &all.values[i];
        const fed_key_t *key = of->key;
        if (!is_number(key))
            continue;
        bool real = key->type == FED_KEY_REAL;
        char text[64];
        snprintf(text, sizeof text, "%.17g", key->maximum);
        assert_ok(try_value(of, text));
        snprintf(text, sizeof text, "%.17g",
                 real ? nextafter(key->maximum, 1e300) : key->maximum + 2);
        assert_refused(of, text);
        snprintf(text, sizeof text, "%.17g", key->minimum);
        if (key->above_minimum)
            assert_refused(of, text);
        else
            assert_ok(try_value(of, text));
        snprintf(text, sizeof text, "%.17g",
                 real ? nextafter(key->minimum, -1e300) : key->minimum - 1);
        assert_refused(of, text);
    }
}

static const fed_list_t *hidden_of(const fed_config_t *config) {
    return fed_config_value(config, "model.hidden")->field;
}

static void values_arrive(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    assert_int_equal(fed_partition_options(&config)->clients, 150);
    assert_true(fed_training_options(&config)->learning_rate == 0.01);
    assert_int_equal(hidden_of(&config)->count, 2);
    assert_string_equal(fed_data_options(&config)->dataset->name, "mnist");
    assert_string_equal(fed_data_options(&config)->normalize->name, "unit");
    set(&config, "model.hidden", " 3 , 4,5");
    assert_int_equal(hidden_of(&config)->count, 3);
    assert_int_equal(hidden_of(&config)->values[1], 4);
    set(&config, "model.hidden", "%s", "");
    assert_int_equal(hidden_of(&config)->count, 0);
    set(&config, "data.normalize", "standard");
    assert_string_equal(fed_data_options(&config)->normalize->name, "standard");
    set(&config, "federated.collective", "reduce");
    assert_int_equal(fed_federated_options(&config)->collective, FED_COLLECTIVE_REDUCE);
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < 4; i++) {
        set(&config, "training.persistent_momentum", "%s", yes[i]);
        assert_true(fed_momentum_options(&config)->persistent_momentum);
        set(&config, "training.persistent_momentum", "%s", no[i]);
        assert_false(fed_momentum_options(&config)->persistent_momentum);
    }
    set(&config, "training.learning_rate", "1e-3");
    assert_true(fed_training_options(&config)->learning_rate == 1e-3);
    set(&config, "experiment.seed", "9007199254740992");
    assert_true(fed_experiment_options(&config)->seed == 9007199254740992);
    fed_config_fini(&config);
}

static void a_refused_value_leaves_the_old_one(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    assert_fails(FED_INPUT, "--set: model.hidden = 3,x: accepted is integers",
                 fed_config_override(&config, "model.hidden=3,x"));
    assert_fails(FED_INPUT, "", fed_config_override(&config, "federated.rounds=0"));
    assert_fails(FED_INPUT, "", fed_config_override(&config, "experiment.name=a\nb"));
    assert_int_equal(hidden_of(&config)->count, 2);
    assert_int_equal(hidden_of(&config)->values[0], 200);
    assert_int_equal(fed_federated_options(&config)->rounds, 20);
    assert_string_equal(fed_experiment_options(&config)->name, "mnist-fedavg");
    fed_config_fini(&config);
}

static void misspelt_names_get_a_suggestion(void **state) {
    (void)state;
    assert_fails(FED_INPUT,
                 "test.ini:3: unknown key training.epohcs; did you mean epochs? [training] has "
                 "epochs, batch_size",
                 read_ini("; comment\n[training]\nepohcs = 3\n"));
    assert_fails(FED_INPUT,
                 "test.ini:1: unknown section [trainig]; did you mean [training]? "
                 "sections are [experiment]",
                 read_ini("[trainig]\nepochs = 3\n"));
    assert_fails(FED_INPUT, "unknown key training.zzzzzzzzzzz; [training] has",
                 read_ini("[training]\nzzzzzzzzzzz = 3\n"));
    assert_fails(FED_INPUT, "test.ini:1: unknown section [zzzzzzzzzzzzzzzz]; sections are",
                 read_ini("[zzzzzzzzzzzzzzzz]\n")); /* also without a key */
    assert_fails(FED_INPUT, "--set: unknown section [trainig] (key epochs); did you mean",
                 fed_config_override(&all, "trainig.epochs=3"));
    for (size_t i = 0; i < all.count; i++) { /* a wrong letter in any */
        const fed_key_t *key = all.values[i].key;
        char name[64], expected[80];
        snprintf(name, sizeof name, "%s", key->name);
        name[strlen(name) / 2] = 'x';
        snprintf(expected, sizeof expected, "did you mean %s?", key->name);
        fed_config_t config;
        fed_config_init(&config, fed_rooms);
        assert_fails(FED_INPUT, expected,
                     fed_config_set(&config, all.values[i].section, name, "1", "here"));
        fed_config_fini(&config);
    }
}

static void lines_that_are_no_ini_are_refused(void **state) {
    (void)state;
    assert_fails(FED_INPUT, "test.ini:2: neither [section] nor key = value",
                 read_ini("[training]\nepochs\n"));
    assert_fails(FED_INPUT, "test.ini:1: neither", read_ini("[training\nepochs = 2\n"));
    assert_fails(FED_INPUT, "test.ini:1: key epochs stands before the first [section]",
                 read_ini("epochs = 3\n[training]\n"));
    assert_fails(FED_INPUT, "no-such.ini: cannot read: No such file",
                 fed_config_read_file(&(fed_config_t){0}, path_of("no-such.ini")));
    assert_fails(FED_INPUT, "cannot read", fed_config_read_file(&(fed_config_t){0}, "/tmp"));
}

static void comments_and_spaces_are_taken_off(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    const char *path = write_text("test.ini",
                                  "# top\n; top\n\n[training] ; section\n"
                                  "  epochs = 3   ; three\n\tbatch_size=7\n"
                                  "learning_rate : 0.5\r\n[experiment]\nname = a b # c\n"
                                  "[data]\npath = \"a # b\" # c\n");
    assert_ok(fed_config_read_file(&config, path));
    assert_int_equal(fed_training_options(&config)->epochs, 3);
    assert_int_equal(fed_training_options(&config)->batch_size, 7);
    assert_true(fed_training_options(&config)->learning_rate == 0.5);
    assert_string_equal(fed_experiment_options(&config)->name, "a b");
    assert_string_equal(fed_data_options(&config)->path, "a # b");
    const fed_config_value_t *value = fed_config_value(&config, "training.epochs");
    assert_string_equal(value->text, "3");
    assert_non_null(strstr(value->origin, "test.ini:5"));
    fed_config_fini(&config);
}

static void includes_come_first_and_are_relative(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    write_text("base.ini", "[training]\nepochs = 3\nbatch_size = 5\n");
    assert_ok(fed_config_read_file(
        &config, write_text("top.ini", "include = base.ini\n[training]\nepochs = 4\n")));
    assert_int_equal(fed_training_options(&config)->epochs, 4);
    assert_int_equal(fed_training_options(&config)->batch_size, 5);
    char text[400];
    snprintf(text, sizeof text, "include = %s\n", path_of("base.ini"));
    assert_ok(fed_config_read_file(&config, write_text("absolute.ini", text)));
    assert_int_equal(fed_training_options(&config)->epochs, 3);
    fed_config_fini(&config);
}

static void includes_fail_with_their_place(void **state) {
    (void)state;
    assert_fails(FED_INPUT, "includes are more than 8 deep; does ",
                 read_ini("include = test.ini\n"));
    assert_fails(FED_INPUT, "test.ini:2: ", read_ini("\ninclude = not-there.ini\n"));
    assert_non_null(strstr(fed_error_message(), "not-there.ini: cannot read"));
    write_text("wrong.ini", "[training]\n\nepochs = x\n");
    assert_fails(FED_INPUT, "wrong.ini:3: training.epochs = x", read_ini("include = wrong.ini\n"));
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    assert_fails(FED_INPUT, "text:1: include works in files only",
                 fed_config_read_text(&config, "include = base.ini\n", "text"));
    fed_config_fini(&config);
}

static void overrides_need_section_key_and_value(void **state) {
    (void)state;
    static const char *const wrong[] = {"",         "epochs", "training.epochs",
                                        "epochs=3", "a=b.c",  "=1.2"};
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(FED_INPUT, "accepted is SECTION.KEY=VALUE",
                     fed_config_override(&config, wrong[i]));
    set(&config, "experiment.name", "a=b.c");
    assert_string_equal(fed_experiment_options(&config)->name, "a=b.c");
    assert_string_equal(fed_config_value(&config, "experiment.name")->origin, "--set");
    fed_config_fini(&config);
}

static void assert_same_values(const fed_config_t *a, const fed_config_t *b) {
    for (size_t i = 0; i < a->count; i++) {
        assert_string_equal(a->values[i].text, b->values[i].text);
        assert_true(fed_config_same(a, b, i));
    }
}

static void what_is_written_reads_back(void **state) {
    (void)state;
    fed_config_t config, again;
    fed_config_init(&config, fed_rooms);
    set(&config, "model.hidden", "%s", "");
    set(&config, "data.path", "'/a path/with spaces = and # hashes, $dollars and a ''quote'''");
    set(&config, "training.learning_rate", "0.1000000000000000055");
    set(&config, "experiment.name", "%s", "");
    for (int comments = 0; comments < 2; comments++) {
        fed_text_t ini = {0};
        fed_config_write(&config, comments, &ini);
        fed_config_init(&again, fed_rooms);
        assert_ok(fed_config_read_text(&again, ini.chars, "text"));
        assert_same_values(&config, &again);
        fed_config_fini(&again);
        fed_config_init(&again, fed_rooms); /* the same from a file */
        assert_ok(fed_config_read_file(&again, write_text("again.ini", ini.chars)));
        assert_same_values(&config, &again);
        fed_config_fini(&again);
        fed_text_fini(&ini);
    }
    fed_config_fini(&config);
}

static void assert_reads_back(const char *text) {
    fed_config_t config, again;
    fed_config_init(&config, fed_rooms);
    for (size_t i = 0; i < all.count; i++)
        if (is_text(all.values[i].key))
            assert_ok(fed_config_set(&config, all.values[i].section, all.values[i].key->name, text,
                                     "here"));
    for (int comments = 0; comments < 2; comments++) {
        fed_text_t ini = {0};
        fed_config_write(&config, comments, &ini);
        fed_config_init(&again, fed_rooms);
        assert_ok(fed_config_read_text(&again, ini.chars, "text"));
        assert_same_values(&config, &again);
        fed_config_fini(&again);
        fed_text_fini(&ini);
    }
    fed_config_fini(&config);
}

static void texts_of_any_length_read_back(void **state) {
    (void)state;
    for (size_t length = 0; length <= 70000; length = length < 150 ? length + 1 : length * 3) {
        char *text = fed_alloc(length + 1, 1);
        memset(text, 'x', length);
        assert_reads_back(text);
        fed_free(text);
    }
}

static void texts_of_any_characters_read_back(void **state) {
    (void)state;
    static const char characters[] = " \t'\";#=[]:$~ax/{}\\%\xc2\xa0";
    for (int round = 0; round < 600; round++) {
        char text[16] = "";
        for (size_t length = any_bits() % sizeof text; length > 0; length--)
            text[length - 1] = characters[any_bits() % (sizeof characters - 1)];
        if (!fed_utf8_wrong(text))
            assert_reads_back(text);
    }
}

static void failures_name_the_place(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    assert_fails(FED_INPUT, "default: partition.clients = 150: no 7",
                 fed_config_fail(&config, "partition.clients", "no %d", 7));
    assert_ok(fed_config_read_text(&config, "[partition]\n\nclients = 9\n", "run.ini"));
    assert_fails(FED_INPUT, "run.ini:3: partition.clients = 9: no",
                 fed_config_fail(&config, "partition.clients", "no"));
    fed_config_fini(&config);
}

/* --- Groups of keys, and plug-ins that bring their own --------------------------------- */

typedef struct depth_options {
    int64_t depth;
} depth_options_t;
typedef struct shade_options {
    double shade;
} shade_options_t;
typedef struct room_options {
    const fed_plugin_t *kind;
    bool lit;
} room_options_t;
typedef struct tint_options {
    const fed_plugin_t *tint;
} tint_options_t;

static const fed_key_t depth_keys[] = {FED_INTEGER(depth_options_t, depth, 0, 9, "4", "how deep")};
static const fed_key_t shade_keys[] = {FED_REAL(shade_options_t, shade, 0, 1, "0.5", "how dark")};
static const fed_key_group_t depth_group = FED_KEY_GROUP("room", depth_options_t, depth_keys);
static const fed_key_group_t shade_group = FED_KEY_GROUP("colour", shade_options_t, shade_keys);
static const fed_plugin_t red = {.name = "red", .summary = "a tint"},
                          grey = {.name = "grey", .summary = "another", .keys = {&shade_group}};
static const fed_plugin_t *const tint_entries[] = {&red, &grey};
static const fed_plugin_table_t tints = {"tint", tint_entries, 2};
static const fed_key_t tint_keys[] = {FED_NAME(tint_options_t, tint, &tints, "red", "its tint")};
static const fed_key_group_t tint_group = FED_KEY_GROUP("room", tint_options_t, tint_keys);
static const fed_plugin_t flat = {.name = "flat", .summary = "no depth"},
                          deep = {.name = "deep", .summary = "depth", .keys = {&depth_group}},
                          dyed = {.name = "dyed",
                                  .summary = "both",
                                  .keys = {&depth_group, &tint_group}};
static const fed_plugin_t *const kind_entries[] = {&flat, &deep, &dyed};
static const fed_plugin_table_t kinds = {"kind", kind_entries, 3};
static const fed_key_t room_keys[] = {
    FED_NAME(room_options_t, kind, &kinds, "flat", "its kind"),
    FED_BOOLEAN(room_options_t, lit, "false", "is there light"),
};
static const fed_key_group_t room_group = FED_KEY_GROUP("room", room_options_t, room_keys);
static const fed_key_group_t *const rooms[] = {&room_group, NULL};

static void origins_go_along_to_another_rank(void **state) {
    (void)state;
    fed_config_t there, here;
    fed_text_t ini = {0}, origins = {0};
    fed_config_init(&there, fed_rooms);
    assert_int_equal(fed_config_set(&there, "training", "epochs", "3", "run.ini:12"), FED_OK);
    fed_config_write(&there, false, &ini);
    fed_config_write_origins(&there, &origins);
    fed_config_init(&here, fed_rooms);
    assert_int_equal(fed_config_read_text(&here, ini.chars, "configuration"), FED_OK);
    fed_config_read_origins(&here, origins.chars);
    for (size_t i = 0; i < there.count; i++) {
        const char *origin = there.values[i].origin;
        assert_int_equal(here.values[i].origin == NULL, origin == NULL);
        if (origin)
            assert_string_equal(here.values[i].origin, origin);
    }
    fed_config_read_origins(&here, "run.ini:7"); /* of a program with fewer keys */
    assert_string_equal(here.values[0].origin, "run.ini:7");
    fed_text_fini(&ini);
    fed_text_fini(&origins);
    fed_config_fini(&here);
    fed_config_fini(&there);
}

static void keys_of_plug_ins_stand_behind_the_key_that_chooses(void **state) {
    (void)state;
    static const char *const expected[] = {"room.kind", "room.depth", "room.tint", "room.lit",
                                           "colour.shade"};
    fed_config_t config;
    fed_config_init(&config, rooms);
    assert_int_equal(config.count, 5);
    for (size_t i = 0; i < config.count; i++) {
        char *dotted = fed_format("%s.%s", config.values[i].section, config.values[i].key->name);
        assert_string_equal(dotted, expected[i]);
        fed_free(dotted);
        assert_int_equal(fed_config_starts_section(&config, i), i == 0 || i == 4);
    }
    fed_config_fini(&config);
}

static void plug_ins_are_chosen_by_name(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, rooms);
    const room_options_t *room = fed_config_options(&config, &room_group);
    assert_ptr_equal(room->kind, &flat);
    set(&config, "room.kind", "deep");
    assert_ptr_equal(room->kind, &deep);
    assert_fails(FED_INPUT, "--set: room.kind = round: accepted is flat | deep | dyed",
                 fed_config_override(&config, "room.kind=round"));
    assert_ptr_equal(room->kind, &deep);
    set(&config, "room.depth", "7");
    assert_int_equal(((const depth_options_t *)fed_config_options(&config, &depth_group))->depth,
                     7);
    fed_config_fini(&config);
}

static void keys_are_used_by_what_is_chosen(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, rooms);
    assert_true(fed_config_uses(&config, &room_group));
    assert_false(fed_config_uses(&config, &depth_group));
    set(&config, "room.kind", "deep");
    assert_true(fed_config_uses(&config, &depth_group));
    assert_false(fed_config_uses(&config, &tint_group));
    set(&config, "room.tint", "grey"); /* chosen by a key that is not used itself */
    assert_false(fed_config_uses(&config, &shade_group));
    assert_null(fed_config_chosen(&config, fed_config_value(&config, "room.tint"), 0));
    set(&config, "room.kind", "dyed");
    assert_true(fed_config_uses(&config, &shade_group));
    assert_non_null(fed_config_chosen(&config, fed_config_value(&config, "room.tint"), 0));
    char *users = fed_config_users(&config, &depth_group);
    assert_string_equal(users, "room.kind = deep | dyed");
    fed_free(users);
    fed_config_fini(&config);
}

/* --- Several of a kind ------------------------------------------------------------------- */

typedef struct shelf_options {
    fed_names_t things;
} shelf_options_t;

static const fed_key_t shelf_keys[] = {
    FED_NAMES(shelf_options_t, things, &kinds, "", "what is on it"),
};
static const fed_key_group_t shelf_group = FED_KEY_GROUP("shelf", shelf_options_t, shelf_keys);
static const fed_key_group_t *const shelves[] = {&shelf_group, NULL};

static void some_are_chosen_in_their_order(void **state) {
    (void)state;
    fed_config_t config, other;
    fed_config_init(&config, shelves);
    fed_config_init(&other, shelves);
    const fed_config_value_t *value = fed_config_value(&config, "shelf.things");
    size_t i = (size_t)(value - config.values);
    const shelf_options_t *shelf = fed_config_options(&config, &shelf_group);
    assert_int_equal(shelf->things.count, 0);
    assert_true(fed_config_same(&config, &other, i));
    assert_false(fed_config_uses(&config, &depth_group));
    assert_null(fed_config_chosen(&config, value, 0));
    set(&config, "shelf.things", " dyed ,flat");
    assert_int_equal(shelf->things.count, 2);
    assert_string_equal(value->text, "dyed,flat");
    assert_ptr_equal(fed_config_chosen(&config, value, 0), &dyed);
    assert_ptr_equal(fed_config_chosen(&config, value, 1), &flat);
    assert_null(fed_config_chosen(&config, value, 2));
    assert_true(fed_config_uses(&config, &depth_group) && fed_config_uses(&config, &tint_group));
    set(&other, "shelf.things", "flat,dyed");
    assert_false(fed_config_same(&config, &other, i));
    set(&other, "shelf.things", "dyed, flat");
    assert_true(fed_config_same(&config, &other, i));
    fed_config_fini(&config);
    fed_config_fini(&other);
}

static void what_is_no_list_of_names_is_refused(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, shelves);
    const char *accepted = "accepted is nothing, or some of flat | deep | dyed with commas between";
    static const char *const wrong[][2] = {{"flat,,deep", ""},
                                           {",", ""},
                                           {"flat deep", ""},
                                           {"flat,deap", "; did you mean deep?"},
                                           {"flat,dyed,flat", "; each once"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_fails(FED_INPUT, accepted,
                     fed_config_set(&config, "shelf", "things", wrong[i][0], "test"));
        assert_non_null(strstr(fed_error_message(), wrong[i][1]));
    }
    fed_config_fini(&config);
}

static void no_two_keys_have_one_name(void **state) {
    (void)state;
    for (size_t i = 0; i < all.count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(strcmp(all.values[i].section, all.values[j].section) == 0 &&
                         strcmp(all.values[i].key->name, all.values[j].key->name) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_accepted_and_explained),
        TEST(wrong_types_are_refused),
        TEST(ranges_end_where_they_say),
        TEST(values_arrive),
        TEST(a_refused_value_leaves_the_old_one),
        TEST(misspelt_names_get_a_suggestion),
        TEST(lines_that_are_no_ini_are_refused),
        TEST(comments_and_spaces_are_taken_off),
        TEST(includes_come_first_and_are_relative),
        TEST(includes_fail_with_their_place),
        TEST(overrides_need_section_key_and_value),
        TEST(what_is_written_reads_back),
        TEST(texts_of_any_length_read_back),
        TEST(texts_of_any_characters_read_back),
        TEST(failures_name_the_place),
        TEST(origins_go_along_to_another_rank),
        TEST(keys_of_plug_ins_stand_behind_the_key_that_chooses),
        TEST(plug_ins_are_chosen_by_name),
        TEST(keys_are_used_by_what_is_chosen),
        TEST(some_are_chosen_in_their_order),
        TEST(what_is_no_list_of_names_is_refused),
        TEST(no_two_keys_have_one_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
