/* Which bytes are UTF-8. */
#include "fedmpi/core/utf8.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that begins here; 0: it is none of UTF-8 (RFC 3629, section 4). */
static size_t utf8_bytes(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    if (at[0] < 0x80)
        return 1;
    size_t bytes = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < bytes; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] > 0x9f;
    bool beyond = at[0] == 0xf4 && at[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : bytes;
}

const char *fed_utf8_wrong(const char *text) {
    while (*text) {
        size_t bytes = utf8_bytes(text);
        if (!bytes)
            return text;
        text += bytes;
    }
    return NULL;
}

void fed_utf8_clean(char *text) {
    while (*text) {
        size_t bytes = utf8_bytes(text);
        if (!bytes || iscntrl((unsigned char)*text))
            *text = '?';
        text += bytes ? bytes : 1;
    }
}
