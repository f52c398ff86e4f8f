/* Preloaded into one process of a run: lets chosen calls of fedmpi and of its HDF5 fail.
 *
 * FAULT_CALL  which: alloc, open, read, write, sync, rename, resize, map or fork
 * FAULT_FROM  the first that fails, from 1; 0: none
 * FAULT_COUNT how many from there on do
 * FAULT_ERRNO with which error
 * FAULT_TOTAL a file that gets the number of calls, where the process ends by itself
 *
 * Calls of MPI, of the C library and of the launcher are not counted and do not fail; nor do
 * small allocations of HDF5, after which it crashes. */
// The C library's names of parameters are reserved.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static long calls;
static pid_t counting;
static char chosen[16];
static long first, last;
static int code;
static bool ready;

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *call = getenv("FAULT_CALL");
    snprintf(chosen, sizeof chosen, "%s", call ? call : "");
    first = number("FAULT_FROM");
    last = first + number("FAULT_COUNT");
    code = (int)number("FAULT_ERRNO");
    counting = getpid();
    ready = true;
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("FAULT_TOTAL");
    FILE *file = path && getpid() == counting ? fopen(path, "w") : NULL;
    if (!file)
        return;
    fprintf(file, "%ld\n", calls);
    fclose(file);
}

static bool is_of_interest(void *caller) {
    Dl_info found;
    if (!dladdr(caller, &found) || !found.dli_fname)
        return false;
    const char *slash = strrchr(found.dli_fname, '/');
    const char *name = slash ? slash + 1 : found.dli_fname;
    return strncmp(name, "fedmpi", 6) == 0 || strncmp(name, "libhdf5", 7) == 0;
}

static bool fails(const char *call, void *caller) {
    if (!ready || strcmp(call, chosen) != 0 || !is_of_interest(caller))
        return false;
    long now = ++calls;
    if (first == 0 || now < first || now >= last)
        return false;
    errno = code;
    return true;
}

#define LARGE ((size_t)1 << 16)

/* fedmpi has its memory from aligned_alloc(), large blocks from posix_memalign(). */
static bool allocation_fails(size_t bytes, void *caller) {
    return bytes >= LARGE && fails("alloc", caller);
}

#define FAILS(call) fails(call, __builtin_return_address(0))
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void *malloc(size_t bytes) {
    return allocation_fails(bytes, __builtin_return_address(0)) ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
    bool failed = allocation_fails(count * bytes, __builtin_return_address(0));
    return failed ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes) {
    bool failed = allocation_fails(bytes, __builtin_return_address(0));
    return failed ? NULL : __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    return FAILS("alloc") ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
    if (FAILS("alloc"))
        return errno;
    *memory = __libc_memalign(alignment, bytes);
    return *memory ? 0 : ENOMEM;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return FAILS("open") ? -1 : NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return FAILS("open") ? -1 : NEXT(open64)(path, flags, mode);
}

FILE *fopen(const char *path, const char *mode) {
    return FAILS("open") ? NULL : NEXT(fopen)(path, mode);
}

ssize_t read(int file, void *data, size_t bytes) {
    return FAILS("read") ? -1 : NEXT(read)(file, data, bytes);
}

ssize_t pread(int file, void *data, size_t bytes, off_t at) {
    return FAILS("read") ? -1 : NEXT(pread)(file, data, bytes, at);
}

ssize_t pread64(int file, void *data, size_t bytes, off64_t at) {
    return FAILS("read") ? -1 : NEXT(pread64)(file, data, bytes, at);
}

size_t fread(void *data, size_t size, size_t count, FILE *file) {
    if (!FAILS("read"))
        return NEXT(fread)(data, size, count, file);
    file->_flags |= 0x20; /* glibc's mark for ferror() */
    return 0;
}

ssize_t write(int file, const void *data, size_t bytes) {
    return FAILS("write") ? -1 : NEXT(write)(file, data, bytes);
}

ssize_t pwrite(int file, const void *data, size_t bytes, off_t at) {
    return FAILS("write") ? -1 : NEXT(pwrite)(file, data, bytes, at);
}

ssize_t pwrite64(int file, const void *data, size_t bytes, off64_t at) {
    return FAILS("write") ? -1 : NEXT(pwrite64)(file, data, bytes, at);
}

int fsync(int file) {
    return FAILS("sync") ? -1 : NEXT(fsync)(file);
}

int rename(const char *from, const char *to) {
    return FAILS("rename") ? -1 : NEXT(rename)(from, to);
}

int ftruncate(int file, off_t bytes) {
    return FAILS("resize") ? -1 : NEXT(ftruncate)(file, bytes);
}

int ftruncate64(int file, off64_t bytes) {
    return FAILS("resize") ? -1 : NEXT(ftruncate64)(file, bytes);
}

void *mmap(void *wish, size_t bytes, int protection, int flags, int file, off_t at) {
    return FAILS("map") ? MAP_FAILED : NEXT(mmap)(wish, bytes, protection, flags, file, at);
}

pid_t fork(void) {
    return FAILS("fork") ? -1 : NEXT(fork)();
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
