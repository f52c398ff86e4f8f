/** What is answered without MPI: --help, --version, --list, --complete. */
#ifndef FEDMPI_CLI_ANSWER_H
#define FEDMPI_CLI_ANSWER_H

#include "fedmpi/run/options.h"

/** Answer options->inquiry on stdout. FED_INPUT for help on what there is not. Local. */
fed_status_t fed_answer(const fed_options_t *options);

#endif
