/* What a shell offers behind a word that has been begun. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

/* One candidate a line: options behind "-", else what --set takes: "section.key=", and behind
 * its "=" the whole assignment with each value that can be named. */
void fed_complete_print(const char *begun);

#endif
