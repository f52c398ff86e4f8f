/* Values of keys: from text, compared, and what is accepted. */
#ifndef FEDMPI_CONFIG_VALUE_H
#define FEDMPI_CONFIG_VALUE_H

#include "fedmpi/config/key.h"

/* Parse into the field of the key's type; NULL, and the field as it was, for what is not accepted.
 * @return the value as text, integers in digits: the caller's, and a text's field points to it */
char *fed_value_parse(const fed_key_t *key, const char *text, void *field);

/* The next of "a, b, c", without the blanks around it; NULL behind the last.
 * @param rest  [in,out] what is left, cut in place; NULL: nothing */
char *fed_value_next_item(char **rest);

/* Give back what the field owns beside its text. */
void fed_value_fini(const fed_key_t *key, void *field);

/* Are both fields the same value? */
bool fed_value_same(const fed_key_t *key, const void *left, const void *right);

#endif
