/* Inputs as files in memory. */
#include "input.h"

#include "fedmpi/core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

const char *fuzz_file(const uint8_t *data, size_t bytes) {
    static int file = -1;
    static char path[64];
    if (file < 0) {
        file = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (file < 0 || ftruncate(file, 0) != 0 || pwrite(file, data, bytes, 0) != (ssize_t)bytes)
        abort();
    return path;
}

void fuzz_check_memory(void) {
    if (fed_memory_live() != 0) {
        fprintf(stderr, "%zu allocations were not given back\n", fed_memory_live());
        abort();
    }
}
