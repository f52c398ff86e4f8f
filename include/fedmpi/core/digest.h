/** Digests: do two places hold the same bytes? */
#ifndef FEDMPI_CORE_DIGEST_H
#define FEDMPI_CORE_DIGEST_H

#include <stddef.h>

/** Of the text with its end. */
#define FED_DIGEST_TEXT_BYTES 33

/** BLAKE2b with 128 bits, as hexadecimal digits. */
void fed_digest_text(const void *bytes, size_t count, char text[FED_DIGEST_TEXT_BYTES]);

#endif
