/* Checked, counted allocation. */
#include "fedmpi/core/memory.h"

#include "fedmpi/core/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20) /* of the processors that have such pages in this size */

static size_t live_allocations;

/* Of this alignment, or NULL. What is large lies in huge pages where the kernel has them for those
 * who ask: a walk through it has fewer addresses to look up. */
static void *allocate(size_t bytes) {
    void *memory = NULL;
    if (bytes < HUGE_PAGE)
        return aligned_alloc(FED_ALIGNMENT, bytes);
    if (posix_memalign(&memory, HUGE_PAGE, bytes) != 0)
        return NULL;
    madvise(memory, bytes, MADV_HUGEPAGE); /* else as before */
    return memory;
}

void *fed_alloc_at(size_t count, size_t size, const char *file, int line) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - 2 * FED_ALIGNMENT)
        fed_die_at(file, line, "%zu objects of %zu bytes do not fit into memory", count, size);
    size_t rounded = (bytes / FED_ALIGNMENT + 1) * FED_ALIGNMENT;
    void *memory = allocate(rounded);
    if (!memory)
        fed_die_at(file, line,
                   "no memory for %zu bytes: fewer ranks on this node, or a smaller task", bytes);
    live_allocations++;
    return memset(memory, 0, rounded);
}

void *fed_grow_at(void *old, size_t old_count, size_t new_count, size_t size, const char *file,
                  int line) {
    void *grown = fed_alloc_at(new_count, size, file, line);
    if (old)
        memcpy(grown, old, (old_count < new_count ? old_count : new_count) * size);
    fed_free(old);
    return grown;
}

void fed_free(void *memory) {
    if (memory)
        live_allocations--;
    free(memory);
}

char *fed_strdup(const char *text) {
    size_t length = strlen(text);
    return memcpy(fed_alloc(length + 1, 1), text, length);
}

char *fed_format(const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        fed_die("cannot format '%s'", format);
    char *text = fed_alloc((size_t)length + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

size_t fed_memory_live(void) {
    return live_allocations;
}

size_t fed_memory_private(void) {
    static const char name[] = "RssAnon:";
    char line[128];
    size_t kib = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (status && kib == 0 && fgets(line, sizeof line, status))
        if (strncmp(line, name, sizeof name - 1) == 0)
            kib = strtoul(line + sizeof name - 1, NULL, 10);
    if (status)
        fclose(status);
    return kib * 1024;
}

void fed_autofree(void *pointer_to_memory) {
    fed_free(*(void **)pointer_to_memory);
}
