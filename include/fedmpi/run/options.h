/** What the command line asks for. */
#ifndef FEDMPI_RUN_OPTIONS_H
#define FEDMPI_RUN_OPTIONS_H

#include "fedmpi/core/error.h"
#include "fedmpi/core/log.h"

#include <stdbool.h>
#include <stddef.h>

/** What the user asked for instead of a run. */
typedef enum fed_inquiry {
    FED_ASK_NOTHING,
    FED_ASK_HELP,
    FED_ASK_VERSION,
    FED_ASK_LIST,
    FED_ASK_COMPLETIONS
} fed_inquiry_t;

typedef struct fed_options {
    fed_inquiry_t inquiry;
    const char *topic; /**< of the inquiry, borrowed from argv; NULL: none */
    const char *config_file;
    const char **overrides; /**< [override_count]: "section.key=value", borrowed from argv */
    size_t override_count;
    const char *output_file; /**< --output, borrowed from argv, or NULL */
    bool resume, dry_run;
    bool overwrite; /**< what an earlier run left may go */
    fed_volume_t volume;
    char *command_line; /**< as typed, for the results file */
} fed_options_t;

#endif
