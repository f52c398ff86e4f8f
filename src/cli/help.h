/* --help, as a whole and on one topic. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "fedmpi/core/error.h"

/* @param topic  a section, "section.key", "environment", "all"; NULL: the program */
fed_status_t fed_help_print(const char *topic);

#endif
