/* What a user may have meant: the messages for names and values that are not there. */
#ifndef FEDMPI_CONFIG_HINT_H
#define FEDMPI_CONFIG_HINT_H

#include "fedmpi/config/config.h"

/* FED_OK for a section that is there, else "unknown section [trainig]; did you mean ...". */
fed_status_t fed_hint_check_section(const fed_config_t *config, const char *section,
                                    const char *origin);

/* "unknown key training.epocs; did you mean epochs? [training] has ...", or its section. */
fed_status_t fed_hint_fail_unknown(const fed_config_t *config, const char *section,
                                   const char *name, const char *origin);

/* For --set without a section or without a value. */
fed_status_t fed_hint_fail_override(const fed_config_t *config, const char *assignment);

/* For a key before the first section. */
fed_status_t fed_hint_fail_homeless(const fed_config_t *config, const char *name,
                                    const char *origin);

/* "; did you mean fedavg?" behind what a key accepts, or ""; the caller frees it. */
char *fed_hint_for_value(const fed_config_t *config, const fed_key_t *key, const char *text);

#endif
