/* Paths as users write them: ~ and $NAME stand for what the environment has. */
#ifndef FEDMPI_CONFIG_PATH_H
#define FEDMPI_CONFIG_PATH_H

#include "fedmpi/core/error.h"

/* ~ or ~USER at the start, $NAME and ${NAME} anywhere, as a shell expands them; but what is not
 * there is a mistake and no empty text. The caller frees *path; the message of FED_INPUT names
 * the variable, not the key. */
fed_status_t fed_path_expand(const char *written, char **path);

#endif
