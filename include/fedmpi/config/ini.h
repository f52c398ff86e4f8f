/** INI text: sections, keys and values, of any length. Knows no key, no type and no file.
 *
 *     text     lines that end in \n, \r\n or \r; UTF-8, with or without a byte order mark
 *     line     nothing | comment | [section] | key = value | key : value
 *     comment  from ; or # on, at the start of a line or behind a blank
 *     value    plain: to the end of the line or a comment, blanks around it taken off
 *              '...': as it stands, '' is one '
 *              "...": the same with ", where a reader may expand $NAME
 *
 * A section or a key of it that is there twice is a mistake, as is a NUL byte.
 */
#ifndef FEDMPI_CONFIG_INI_H
#define FEDMPI_CONFIG_INI_H

#include "fedmpi/core/error.h"
#include "fedmpi/core/text.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct fed_ini_value {
    const char *text;
    bool literal; /**< stood in '...': nothing in it is to be expanded */
} fed_ini_value_t;

/** What a line says; valid during the call. */
typedef struct fed_ini_line {
    int number;          /**< from 1 */
    const char *section; /**< "" before the first */
    const char *key;     /**< NULL where the section begins */
    fed_ini_value_t value;
} fed_ini_line_t;

/** Called for each section and each key; what is not FED_OK ends the reading. */
typedef fed_status_t (*fed_ini_take_t)(void *context, const fed_ini_line_t *line);

/** Read a text of `bytes` bytes; `name` stands for the file in messages: "NAME:LINE: ...".
 * FED_INPUT where it is no INI text, else what `take` returned. */
fed_status_t fed_ini_read(const char *text, size_t bytes, const char *name, fed_ini_take_t take,
                          void *context);

/** Read a value that stands alone, with no comment behind it: blanks around it and quotes go.
 * @param text  changed in place; value->text lies in it */
fed_status_t fed_ini_read_value(char *text, fed_ini_value_t *value);

/** Append a value so that it reads back as the same text, in '...' where it must be.
 * @param expanded  a reader would expand ~ and $NAME in it */
void fed_ini_append_value(fed_text_t *ini, const char *value, bool expanded);

#endif
