/** Environment variables: all that the program reads stand in one table.
 *
 * They are the user's input like options and keys: what is wrong in one of ours ends with
 * FED_INPUT and its name.
 */
#ifndef FEDMPI_CORE_ENVIRONMENT_H
#define FEDMPI_CORE_ENVIRONMENT_H

#include "fedmpi/core/error.h"

#include <stddef.h>

typedef struct fed_variable {
    const char *name;
    const char *accepted; /**< NULL: not ours, the launcher or the scheduler sets it */
    const char *help;
} fed_variable_t;

/** Ours first. */
extern const fed_variable_t fed_environment[];
extern const size_t fed_environment_count;

/** The value of a variable of the table, or NULL where it is not set. */
const char *fed_environment_get(const char *name);

/** The value of any variable, for users who name one in a path; NULL where it is not set. */
const char *fed_environment_named(const char *name);

/** FED_INPUT: "NAME = value: accepted is ...", of a variable of ours that is set.
 * @param reason  what is wrong with the value, or NULL where what is accepted says it all */
fed_status_t fed_environment_fail(const char *name, const char *reason);

/** Warn of a variable that is called nearly as one of ours. */
void fed_environment_warn_of_slips(void);

#endif
