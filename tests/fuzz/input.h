/* What the fuzz targets share: an input as a file that has a name. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* A path under which `bytes` can be opened until the next call; it lies in memory. */
const char *fuzz_file(const uint8_t *data, size_t bytes);

/* Every allocation of ours has been given back, or the target aborts. */
void fuzz_check_memory(void);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#endif
