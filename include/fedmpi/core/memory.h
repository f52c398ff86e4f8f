/** Memory: zeroed, aligned to a cache line, checked, counted. */
#ifndef FEDMPI_CORE_MEMORY_H
#define FEDMPI_CORE_MEMORY_H

#include <stddef.h>

#define FED_ALIGNMENT 64

/** `count` objects of `size` bytes, zeroed and 64-byte aligned; never NULL, also for 0.
 * Dies with a hint when there is no memory: no run can go on without it. */
#define fed_alloc(count, size) fed_alloc_at((count), (size), __FILE__, __LINE__)
#define FED_NEW(type) ((type *)fed_alloc(1, sizeof(type)))
#define FED_NEW_ARRAY(type, count) ((type *)fed_alloc((count), sizeof(type)))
void *fed_alloc_at(size_t count, size_t size, const char *file, int line)
    __attribute__((malloc, returns_nonnull));

/** Grow an array that fed_alloc made; new bytes are zero. `old` is freed. */
#define fed_grow(old, old_count, new_count, size)                                                  \
    fed_grow_at((old), (old_count), (new_count), (size), __FILE__, __LINE__)
void *fed_grow_at(void *old, size_t old_count, size_t new_count, size_t size, const char *file,
                  int line) __attribute__((returns_nonnull));

/** Give back what fed_alloc or fed_strdup gave; NULL is fine. */
void fed_free(void *memory);

/** A copy that the caller frees with fed_free. */
char *fed_strdup(const char *text) __attribute__((returns_nonnull));

/** printf into a new string that the caller frees with fed_free. */
char *fed_format(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/** Allocations not yet freed: 0 at the end of a run and of every test. */
size_t fed_memory_live(void);

/** Bytes of memory that only this process has, its libraries' own among them; 0 if that cannot be
 * known. */
size_t fed_memory_private(void);

/** `FED_AUTOFREE char *text = ...` is freed when it goes out of scope. */
#define FED_AUTOFREE __attribute__((cleanup(fed_autofree)))
void fed_autofree(void *pointer_to_memory);

#endif
