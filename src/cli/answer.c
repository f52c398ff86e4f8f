/* --version and --list; --help and --complete are beside. */
#include "fedmpi/cli/answer.h"

#include "fedmpi/config/config.h"
#include "fedmpi/run/rooms.h"
#include "fedmpi/run/version.h"

#include "complete.h"
#include "help.h"

#include <stdio.h>

/* The reference is made from these lines, see docs/reference/make.py. */
static void print_list(void) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    for (size_t k = 0; k < config.count; k++) {
        const fed_config_value_t *value = &config.values[k];
        const fed_plugin_table_t *table = value->key->plugins;
        for (size_t i = 0; table && i < table->count; i++)
            printf("%-17s %-14s %s  [%s.%s = %s]\n", table->kind, table->entries[i]->name,
                   table->entries[i]->summary, value->section, value->key->name,
                   table->entries[i]->name);
    }
    fed_config_fini(&config);
}

static void print_version(void) {
    printf("fedmpi %s (%s)\n%s\n", fed_version(), fed_git_revision(), fed_libraries());
}

fed_status_t fed_answer(const fed_options_t *options) {
    switch (options->inquiry) {
    case FED_ASK_HELP:
        FED_TRY(fed_help_print(options->topic));
        break;
    case FED_ASK_COMPLETIONS:
        fed_complete_print(options->topic);
        break;
    case FED_ASK_LIST:
        print_list();
        break;
    case FED_ASK_VERSION:
        print_version();
        break;
    case FED_ASK_NOTHING:
        break;
    }
    return fflush(stdout) == 0 ? FED_OK : fed_fail(FED_FAILURE, "cannot write to stdout");
}
