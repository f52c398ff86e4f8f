/* Command line options. */
#include "fedmpi/cli/options.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define USAGE "usage: fedmpi [options] CONFIG.ini; fedmpi --help tells more"

static const struct option long_options[] = {
    {"set", required_argument, NULL, 's'}, {"output", required_argument, NULL, 'o'},
    {"resume", no_argument, NULL, 'r'},    {"dry-run", no_argument, NULL, 'n'},
    {"list", no_argument, NULL, 'l'},      {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},   {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},      {NULL, 0, NULL, 0},
};

/* "--epohcs" is nearest to an option that exists. */
static fed_status_t fail_unknown(const char *written) {
    const char *names[sizeof long_options / sizeof *long_options];
    size_t count = 0;
    for (const struct option *option = long_options; option->name; option++)
        names[count++] = option->name;
    const char *nearest =
        strncmp(written, "--", 2) == 0 ? fed_text_nearest(written + 2, names, count) : NULL;
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
    case ':':
        return fed_fail(FED_INPUT, "option %s needs a value; %s", argv[optind - 1], USAGE);
    default:
        return fail_unknown(argv[optind - 1]);
    }
}

fed_status_t fed_options_parse(fed_options_t *options, int argc, char **argv) {
    *options = (fed_options_t){
        .volume = FED_NORMAL,
        .overrides = FED_NEW_ARRAY(const char *, (size_t)argc + 1),
        .command_line = join(argc, argv),
    };
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, ":s:o:rnlqvVh", long_options, NULL)) != -1;)
        FED_TRY(take_option(options, option, argv, &options->output_file));
    if (options->inquiry != FED_ASK_NOTHING)
        return FED_OK;
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
