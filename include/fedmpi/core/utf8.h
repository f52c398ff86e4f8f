/** Texts of others, on the way to files and lines that are UTF-8. */
#ifndef FEDMPI_CORE_UTF8_H
#define FEDMPI_CORE_UTF8_H

/** Where a text stops being UTF-8 (RFC 3629); NULL: nowhere. */
const char *fed_utf8_wrong(const char *text);

/** Make a text fit for a line of a terminal or of a log, in place: what is no UTF-8, a line's end
 * and any other control character becomes a "?". */
void fed_utf8_clean(char *text);

#endif
