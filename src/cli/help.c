/* --help. */
#include "help.h"

#include "fedmpi/cli/options.h"
#include "fedmpi/config/config.h"
#include "fedmpi/core/environment.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"
#include "fedmpi/io/run_status.h"
#include "fedmpi/run/rooms.h"
#include "fedmpi/run/version.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 80
#define ACCEPTED_COLUMN 40
#define HELP_COLUMN 31

static const fed_fact_t exit_codes[] = {
    {"0", "finished"},
    {"2",
     "the input is wrong: usage, configuration, data or environment; one line says what and "
     "where"},
    {"75", "stopped on purpose (signal, time limit), with a checkpoint: --resume goes on"},
    {"1", "anything else"},
};

/* Topics beside the sections of the configuration. */
static const char *const topics[] = {"environment", "all"};

/* Words of a text in lines of at most WIDTH characters, from a column on. */
static void print_wrapped(int indent, int column, const char *text) {
    int start = column;
    for (const char *word = text; *word; word += strspn(word, " ")) {
        int length = (int)strcspn(word, " ");
        if (column > start && column + 1 + length > WIDTH) {
            putchar('\n');
            start = column = 0;
        }
        if (column == 0) /* a new line */
            column = start = printf("%*s", indent, "");
        else if (column > start)
            column += printf(" ");
        column += printf("%.*s", length, word);
        word += length;
    }
    putchar('\n');
}

static void print_facts(const fed_fact_t *facts, size_t count, int width) {
    for (size_t i = 0; i < count; i++) {
        int column = printf("  %-*s  ", width, facts[i].name);
        print_wrapped(column, column, facts[i].meaning);
    }
}

static void print_options(void) {
    for (size_t i = 0; i < fed_option_count; i++) {
        const fed_option_t *option = &fed_option_table[i];
        int column = printf("  -%c, --%s%s%s", option->letter, option->name,
                            option->argument ? " " : "", option->argument ? option->argument : "");
        column += printf("%*s", column < HELP_COLUMN - 1 ? HELP_COLUMN - column : 2, "");
        print_wrapped(HELP_COLUMN, column, option->help);
    }
}

/* A section a line: its name and its keys'. */
static void print_sections(const fed_config_t *config) {
    for (size_t i = 0; i < config->count;) {
        const char *section = config->values[i].section;
        fed_text_t names = {0};
        do {
            fed_text_append(&names, "%s%s", names.chars ? ", " : "", config->values[i].key->name);
            i++;
        } while (i < config->count && !fed_config_starts_section(config, i));
        int column = printf("  [%s]", section);
        column += printf("%*s", 17 - column, "");
        print_wrapped(column, column, names.chars);
        fed_text_fini(&names);
    }
}

/* The reference is made from these lines, see docs/reference/make.py. */
static void print_key(const fed_key_t *key) {
    FED_AUTOFREE char *accepted = fed_key_accepted(key);
    int shown = printf("  %s = %s", key->name, key->initial);
    printf("%*s%s\n", shown < ACCEPTED_COLUMN - 2 ? ACCEPTED_COLUMN - shown : 2, "", accepted);
    print_wrapped(6, 0, key->help);
}

/* @param section, name  which keys; NULL: all */
static size_t print_keys(const fed_config_t *config, const char *section, const char *name) {
    size_t printed = 0;
    for (size_t i = 0; i < config->count; i++) {
        const fed_config_value_t *value = &config->values[i];
        if ((section && strcmp(section, value->section) != 0) ||
            (name && strcmp(name, value->key->name) != 0))
            continue;
        if (printed++ == 0 || fed_config_starts_section(config, i))
            printf("%s  [%s]\n", printed > 1 ? "\n" : "", value->section);
        print_key(value->key);
    }
    return printed;
}

static void print_program(const fed_config_t *config) {
    printf("fedmpi %s: federated learning, simulated on MPI\n", fed_version());
    puts(
        "\n"
        "usage: mpirun -np RANKS fedmpi [options] CONFIG.ini\n"
        "\n"
        "Rank 0 is the server, the others train the clients; any number of clients runs on\n"
        "any number of ranks, with the same results. With one rank it does both.\n"
        "\n"
        "options");
    print_options();
    puts("\nexit codes, the same from every rank");
    print_facts(exit_codes, sizeof exit_codes / sizeof *exit_codes, 2);
    puts(
        "\n"
        "results\n"
        "  One HDF5 file. In Python: pandas.DataFrame(h5py.File(FILE)[\"federated/rounds\"][:])\n"
        "\n"
        "configuration\n"
        "  An INI file. ; and # begin comments, '...' and \"...\" keep what is in them, in paths\n"
        "  ~ and $NAME are expanded. include = FILE, before the first section, reads another\n"
        "  file first, relative to this one.\n"
        "  Sections and their keys; fedmpi --help SECTION explains them:");
    print_sections(config);
    puts("\nMore: fedmpi --help SECTION.KEY, --help environment, --help all, --list");
}

static void print_environment(void) {
    puts("environment variables");
    for (size_t i = 0; i < fed_environment_count; i++) {
        const fed_variable_t *variable = &fed_environment[i];
        printf("  %s%*s%s\n", variable->name, (int)(26 - strlen(variable->name)), "",
               variable->accepted ? variable->accepted : "set by the launcher or Slurm");
        print_wrapped(6, 0, variable->help);
    }
}

static void print_statuses(void) {
    puts("attribute status of a results file");
    print_facts(fed_run_statuses, FED_RUN_STATUSES, 11);
    puts("\nattribute stopped_because of an interrupted run's");
    print_facts(fed_becauses, FED_BECAUSES, 11);
}

static fed_status_t fail_unknown(const fed_config_t *config, const char *topic) {
    FED_AUTOFREE const char **names =
        FED_NEW_ARRAY(const char *, config->count + sizeof topics / sizeof *topics);
    size_t count = 0;
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        names[count++] = topics[i];
    fed_text_t sections = {0};
    for (size_t i = 0; i < config->count; i++)
        if (fed_config_starts_section(config, i)) {
            names[count++] = config->values[i].section;
            fed_text_append(&sections, "%s, ", config->values[i].section);
        }
    const char *nearest = fed_text_nearest(topic, names, count);
    fed_status_t status =
        fed_fail(FED_INPUT, "--help %s: %s%s%sthere is help on %senvironment and all", topic,
                 nearest ? "did you mean " : "", nearest ? nearest : "", nearest ? "? " : "",
                 sections.chars);
    fed_text_fini(&sections);
    return status;
}

/* A section, or section.key. */
static fed_status_t print_topic(const fed_config_t *config, const char *topic) {
    FED_AUTOFREE char *section = fed_strdup(topic);
    char *dot = strchr(section, '.');
    if (dot)
        *dot = '\0';
    return print_keys(config, section, dot ? dot + 1 : NULL) > 0 ? FED_OK
                                                                 : fail_unknown(config, topic);
}

static fed_status_t print_help(const fed_config_t *config, const char *topic) {
    if (!topic) {
        print_program(config);
    } else if (strcmp(topic, "environment") == 0) {
        print_environment();
    } else if (strcmp(topic, "all") == 0) {
        print_program(config);
        putchar('\n');
        print_environment();
        putchar('\n');
        print_statuses();
        puts("\nconfiguration keys");
        print_keys(config, NULL, NULL);
    } else {
        return print_topic(config, topic);
    }
    return FED_OK;
}

fed_status_t fed_help_print(const char *topic) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    fed_status_t status = print_help(&config, topic);
    fed_config_fini(&config);
    return status;
}
