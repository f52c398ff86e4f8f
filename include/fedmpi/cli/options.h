/** The command line. */
#ifndef FEDMPI_CLI_OPTIONS_H
#define FEDMPI_CLI_OPTIONS_H

#include "fedmpi/run/options.h"

/** FED_INPUT for what is not an option. The same on every rank. */
fed_status_t fed_options_parse(fed_options_t *options, int argc, char **argv);
void fed_options_fini(fed_options_t *options);

/** Answer --help, --version or --list on stdout. */
void fed_answer(fed_inquiry_t inquiry);

#endif
