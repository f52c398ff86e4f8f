/* --help, --version and --list: answered without MPI. */
#include "fedmpi/app/options.h"
#include "fedmpi/app/version.h"
#include "fedmpi/core/config.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/data/dataset.h"
#include "fedmpi/data/partition.h"
#include "fedmpi/fl/aggregation.h"
#include "fedmpi/fl/algorithm.h"
#include "fedmpi/nn/model.h"

#include <stdio.h>
#include <string.h>

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

static void print_keys(void) {
    for (size_t i = 0; i < fed_config_key_count; i++) {
        const fed_config_key_t *key = &fed_config_keys[i];
        if (i == 0 || strcmp(key->section, key[-1].section) != 0)
            printf("\n  [%s]\n", key->section);
        FED_AUTOFREE char *accepted = fed_config_accepted(key);
        printf("  %s = %s\n      %s; %s\n", key->name, key->initial, key->help, accepted);
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
         "The results file is HDF5: pandas.DataFrame(h5py.File(FILE)[\"federated/rounds\"][:]).\n"
         "\n"
         "configuration: INI; ; and # start comments; include = FILE, before the first section,\n"
         "reads another file first. Keys with their defaults:");
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
