/* --help, --version and --list: answered without MPI. */
#include "fedmpi/cli/options.h"
#include "fedmpi/config/config.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/data/dataset.h"
#include "fedmpi/data/partition.h"
#include "fedmpi/fl/method.h"
#include "fedmpi/nn/model.h"
#include "fedmpi/run/version.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 80
#define ACCEPTED_COLUMN 40

static const fed_plugin_table_t *const tables[] = {
    &fed_sources,    &fed_partition_schemes, &fed_model_types,
    &fed_algorithms, &fed_server_optimizers, &fed_aggregations,
};

static void print_list(void) {
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            printf("%-17s %-14s %s  [%s = %s]\n", tables[t]->kind, tables[t]->entries[i]->name,
                   tables[t]->entries[i]->summary, tables[t]->key, tables[t]->entries[i]->name);
}

/* Words of a text in lines of at most WIDTH characters. */
static void print_wrapped(int indent, const char *text) {
    int column = 0;
    for (const char *word = text; *word; word += strspn(word, " ")) {
        int length = (int)strcspn(word, " ");
        if (column > 0 && column + 1 + length > WIDTH) {
            putchar('\n');
            column = 0;
        }
        column += printf("%*s%.*s", column ? 1 : indent, "", length, word);
        word += length;
    }
    putchar('\n');
}

/* Names of variants come from their table. */
static char *accepted_by(const fed_config_key_t *key) {
    FED_AUTOFREE char *dotted = fed_format("%s.%s", key->section, key->name);
    for (size_t t = 0; key->type == FED_KEY_NAME && t < sizeof tables / sizeof *tables; t++)
        if (strcmp(tables[t]->key, dotted) == 0)
            return fed_plugin_names(tables[t]);
    return fed_config_accepted(key);
}

/* The README's reference is made from these lines, see jobs/setup/readme.py. */
static void print_keys(void) {
    for (size_t i = 0; i < fed_config_key_count; i++) {
        const fed_config_key_t *key = &fed_config_keys[i];
        if (i == 0 || strcmp(key->section, key[-1].section) != 0)
            printf("\n  [%s]\n", key->section);
        FED_AUTOFREE char *accepted = accepted_by(key);
        int shown = printf("  %s = %s", key->name, key->initial);
        printf("%*s%s\n", shown < ACCEPTED_COLUMN - 2 ? ACCEPTED_COLUMN - shown : 2, "", accepted);
        print_wrapped(6, key->help);
    }
}

static void print_help(void) {
    puts("fedmpi " FED_VERSION
         ": federated learning, simulated on MPI\n"
         "\n"
         "usage: mpirun -np RANKS fedmpi [options] CONFIG.ini\n"
         "\n"
         "Rank 0 is the server, the others train the clients; any number of clients runs on\n"
         "any number of ranks, with the same results. With one rank it does both.\n"
         "\n"
         "options\n"
         "  -s, --set SECTION.KEY=VALUE  override a key of the configuration; repeatable\n"
         "  -o, --output FILE            results file, as --set output.file=FILE\n"
         "  -r, --resume                 go on from this configuration's checkpoint if there is "
         "one\n"
         "  -n, --dry-run                check everything, show what would run, train nothing\n"
         "  -l, --list                   every data set, partition, model and algorithm\n"
         "  -q, --quiet                  errors and the summary only\n"
         "  -v, --verbose                more about what happens\n"
         "  -V, --version                version and libraries\n"
         "  -h, --help                   this text\n"
         "\n"
         "exit codes, the same from every rank\n"
         "   0  finished\n"
         "   2  the input is wrong: usage, configuration or data; one line says what and where\n"
         "  75  stopped on purpose by a signal, with a checkpoint: --resume goes on\n"
         "   1  anything else\n"
         "\n"
         "results\n"
         "  One HDF5 file. In Python: pandas.DataFrame(h5py.File(FILE)[\"federated/rounds\"][:])\n"
         "\n"
         "configuration\n"
         "  An INI file. ; starts a comment, # does at the start of a line. include = FILE,\n"
         "  before the first section, reads another file first, relative to this one.\n"
         "  The keys, their defaults, and what they accept:");
    print_keys();
}

void fed_answer(fed_inquiry_t inquiry) {
    if (inquiry == FED_ASK_LIST)
        print_list();
    else if (inquiry == FED_ASK_VERSION)
        printf("fedmpi %s (%s)\n%s\n", FED_VERSION, fed_git_revision(), fed_libraries());
    else
        print_help();
}
