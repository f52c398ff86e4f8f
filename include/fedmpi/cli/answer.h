/** What is answered without MPI: --help, --version, --list, --complete. */
#ifndef FEDMPI_CLI_ANSWER_H
#define FEDMPI_CLI_ANSWER_H

#include "fedmpi/config/plugin.h"
#include "fedmpi/run/options.h"

/** Every table of variants, in the order of --list. */
extern const fed_plugin_table_t *const fed_variant_tables[];
extern const size_t fed_variant_table_count;

/** The table behind a configuration key, or NULL. @param dotted "model.type" */
const fed_plugin_table_t *fed_variant_table_of(const char *dotted);

/** Answer options->inquiry on stdout. FED_INPUT for help on what there is not. Local. */
fed_status_t fed_answer(const fed_options_t *options);

#endif
