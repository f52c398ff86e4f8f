/* BLAKE2b by libsodium. */
#include "fedmpi/core/digest.h"

#include <sodium.h>

void fed_digest_text(const void *bytes, size_t count, char text[FED_DIGEST_TEXT_BYTES]) {
    unsigned char digest[FED_DIGEST_TEXT_BYTES / 2];
    crypto_generichash(digest, sizeof digest, bytes, count, NULL, 0);
    sodium_bin2hex(text, FED_DIGEST_TEXT_BYTES, digest, sizeof digest);
}
