/** The command line. */
#ifndef FEDMPI_CLI_OPTIONS_H
#define FEDMPI_CLI_OPTIONS_H

#include "fedmpi/run/options.h"

/** An option as --help, the manual page and shell completion show it. */
typedef struct fed_option {
    char letter;
    const char *name;
    const char *argument; /**< what it takes, NULL: nothing */
    const char *help;     /**< one line */
} fed_option_t;

extern const fed_option_t fed_option_table[];
extern const size_t fed_option_count;

/** FED_INPUT for what is not an option. The same on every rank. */
fed_status_t fed_options_parse(fed_options_t *options, int argc, char **argv);
void fed_options_fini(fed_options_t *options);

#endif
