/* Command line options. */
#include "fedmpi/cli/options.h"

#include "fedmpi/config/config.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"
#include "fedmpi/run/rooms.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define USAGE "usage: fedmpi [options] CONFIG.ini; fedmpi --help tells more"

const fed_option_t fed_option_table[] = {
    {'s', "set", "SECTION.KEY=VALUE", "override a key of the configuration; repeatable"},
    {'o', "output", "FILE", "results file, as --set output.file=FILE"},
    {'r', "resume", NULL, "go on from this configuration's checkpoint if there is one"},
    {'w', "overwrite", NULL, "start anew over the results and checkpoint of an earlier run"},
    {'n', "dry-run", NULL, "check everything, show what would run, train nothing"},
    {'l', "list", NULL, "every data set, partition, model and algorithm"},
    {'q', "quiet", NULL, "warnings, errors and the summary only"},
    {'v', "verbose", NULL, "where clients train, and where each round's time went"},
    {'V', "version", NULL, "version and libraries"},
    {'h', "help", "[SECTION]", "this text, or the keys of a section"},
};
const size_t fed_option_count = sizeof fed_option_table / sizeof *fed_option_table;

#define COMPLETE 1000 /* an option for shells, without a letter */

/* The table as getopt_long wants it, with room for what only shells ask. */
typedef struct getopt_tables {
    struct option longs[sizeof fed_option_table / sizeof *fed_option_table + 2];
    char letters[2 * sizeof fed_option_table / sizeof *fed_option_table + 2];
} getopt_tables_t;

/* A value in brackets is optional and is what stands behind the options. */
static void fill(getopt_tables_t *tables) {
    char *letter = tables->letters;
    *letter++ = ':';
    for (size_t i = 0; i < fed_option_count; i++) {
        const fed_option_t *option = &fed_option_table[i];
        bool valued = option->argument && *option->argument != '[';
        tables->longs[i] = (struct option){
            .name = option->name,
            .has_arg = valued ? required_argument : no_argument,
            .val = option->letter,
        };
        *letter++ = option->letter;
        if (valued)
            *letter++ = ':';
    }
    tables->longs[fed_option_count] =
        (struct option){.name = "complete", .has_arg = required_argument, .val = COMPLETE};
}

/* Is it the path of a file, as a configuration's? */
static bool is_file(const char *argument) {
    size_t length = strlen(argument);
    return strchr(argument, '/') || (length > 4 && strcmp(argument + length - 4, ".ini") == 0);
}

/* "--learning-rate=0.1" names a key; NULL if there is none of that name. The caller frees it. */
static char *find_key(const char *written, const char *next) {
    size_t length = strcspn(written, "=");
    const char *value = written[length] ? written + length + 1 : next;
    FED_AUTOFREE char *option = fed_format("%.*s", (int)length, written);
    for (char *dash = option; (dash = strchr(dash, '-'));)
        *dash = '_';
    const char *dot = strrchr(option, '.');
    FED_AUTOFREE char *behind =
        fed_format("=%s", value && *value != '-' && !is_file(value) ? value : "VALUE");
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    char *keys = fed_config_homes(&config, dot ? dot + 1 : option, "--set ", behind);
    fed_config_fini(&config);
    return keys;
}

/* "--epochs 5" is a key, "--resmue" is nearest to an option that exists.
 * @param next  what stands behind it, or NULL */
static fed_status_t fail_unknown(const char *written, const char *next) {
    bool is_long = strncmp(written, "--", 2) == 0;
    FED_AUTOFREE char *keys = is_long ? find_key(written + 2, next) : NULL;
    if (keys)
        return fed_fail(FED_INPUT, "unknown option %s; did you mean %s? %s", written, keys, USAGE);
    const char *names[sizeof fed_option_table / sizeof *fed_option_table];
    for (size_t i = 0; i < fed_option_count; i++)
        names[i] = fed_option_table[i].name;
    const char *nearest = is_long ? fed_text_nearest(written + 2, names, fed_option_count) : NULL;
    if (nearest)
        return fed_fail(FED_INPUT, "unknown option %s; did you mean --%s? %s", written, nearest,
                        USAGE);
    return fed_fail(FED_INPUT, "unknown option %s; %s", written, USAGE);
}

static char *join(int argc, char **argv) {
    fed_text_t text = {0};
    for (int i = 0; i < argc; i++)
        fed_text_append(&text, "%s%s", i ? " " : "", argv[i]);
    return text.chars;
}

static void take_override(fed_options_t *options, const char *assignment) {
    options->overrides[options->override_count++] = assignment;
}

static fed_status_t take_option(fed_options_t *options, int option, char **argv,
                                const char **output) {
    switch (option) {
    case 's':
        take_override(options, optarg);
        return FED_OK;
    case 'o':
        *output = optarg;
        return FED_OK;
    case 'r':
        options->resume = true;
        return FED_OK;
    case 'w':
        options->overwrite = true;
        return FED_OK;
    case 'n':
        options->dry_run = true;
        return FED_OK;
    case 'q':
        options->volume = FED_QUIET;
        return FED_OK;
    case 'v':
        options->volume = FED_VERBOSE;
        return FED_OK;
    case 'l':
        options->inquiry = FED_ASK_LIST;
        return FED_OK;
    case 'V':
        options->inquiry = FED_ASK_VERSION;
        return FED_OK;
    case 'h':
        options->inquiry = FED_ASK_HELP;
        return FED_OK;
    case COMPLETE:
        options->inquiry = FED_ASK_COMPLETIONS;
        options->topic = optarg;
        return FED_OK;
    case ':':
        return fed_fail(FED_INPUT, "option %s needs a value; %s", argv[optind - 1], USAGE);
    default:
        return fail_unknown(argv[optind - 1], argv[optind]);
    }
}

/* "fedmpi --help data" asks for a section, "fedmpi run.ini --help" for none. */
static const char *topic_of(const char *argument) {
    return !argument || !*argument || is_file(argument) ? NULL : argument;
}

fed_status_t fed_options_parse(fed_options_t *options, int argc, char **argv) {
    *options = (fed_options_t){
        .volume = FED_NORMAL,
        .overrides = FED_NEW_ARRAY(const char *, (size_t)argc + 1),
        .command_line = join(argc, argv),
    };
    getopt_tables_t tables = {0};
    fill(&tables);
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1;)
        FED_TRY(take_option(options, option, argv, &options->output_file));
    if (options->inquiry == FED_ASK_HELP)
        options->topic = topic_of(argv[optind]);
    if (options->inquiry != FED_ASK_NOTHING)
        return FED_OK;
    if (options->resume && options->overwrite)
        return fed_fail(FED_INPUT,
                        "--resume goes on from what is there, --overwrite starts anew: "
                        "one of the two");
    if (optind == argc)
        return fed_fail(FED_INPUT, "no configuration file; %s", USAGE);
    if (optind + 1 < argc)
        return fed_fail(FED_INPUT, "more than one configuration file: %s and %s; %s", argv[optind],
                        argv[optind + 1], USAGE);
    options->config_file = argv[optind];
    return FED_OK;
}

void fed_options_fini(fed_options_t *options) {
    fed_free(options->overrides);
    fed_free(options->command_line);
    *options = (fed_options_t){0};
}
