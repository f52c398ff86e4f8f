/* A run that is as small as can be: 2x2 images, 2 classes, 3 hidden units, 4 clients. */
#ifndef TESTS_FUZZ_TINY_H
#define TESTS_FUZZ_TINY_H

#include "fedmpi/run/federation.h"

/* What the server holds before the first round; static memory. */
fed_federation_t *tiny_federation(void);

#endif
