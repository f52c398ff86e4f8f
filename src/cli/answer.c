/* --version and --list; --help and --complete are beside. */
#include "fedmpi/cli/answer.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/data/dataset.h"
#include "fedmpi/data/partition.h"
#include "fedmpi/fl/method.h"
#include "fedmpi/nn/model.h"
#include "fedmpi/run/version.h"
#include "fedmpi/sim/protocol.h"

#include "complete.h"
#include "help.h"

#include <stdio.h>
#include <string.h>

const fed_plugin_table_t *const fed_variant_tables[] = {
    &fed_sources,           &fed_partition_schemes, &fed_model_types, &fed_algorithms,
    &fed_server_optimizers, &fed_aggregations,      &fed_samplers,    &fed_schedules,
    &fed_attacks,           &fed_protocols,
};
const size_t fed_variant_table_count = sizeof fed_variant_tables / sizeof *fed_variant_tables;

const fed_plugin_table_t *fed_variant_table_of(const char *dotted) {
    for (size_t t = 0; t < fed_variant_table_count; t++)
        if (strcmp(fed_variant_tables[t]->key, dotted) == 0)
            return fed_variant_tables[t];
    return NULL;
}

/* The reference is made from these lines, see docs/reference/make.py. */
static void print_list(void) {
    for (size_t t = 0; t < fed_variant_table_count; t++) {
        const fed_plugin_table_t *table = fed_variant_tables[t];
        for (size_t i = 0; i < table->count; i++)
            printf("%-17s %-14s %s  [%s = %s]\n", table->kind, table->entries[i]->name,
                   table->entries[i]->summary, table->key, table->entries[i]->name);
    }
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
