/* Preloaded into a run: records what it does to files below a folder, in the order in which it
 * does.
 *
 * RECORD_FOLDER  of the files; RECORD_FILE  gets the records, behind each other
 *
 * A record is a line "CALL INODE A B PATH PATH2", numbers in decimal and paths without spaces or
 * "-", and behind it, where CALL is write, the A bytes that it wrote at B. Calls are made first and
 * recorded then, each record by one write() at the end of the file: so processes can share it. Only
 * calls that fedmpi makes on files are covered; it maps none to write to. */
// The C library's names of parameters are reserved.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char *folder;
static int record = -1;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("RECORD_FILE");
    folder = getenv("RECORD_FOLDER");
    if (path && folder)
        record = NEXT(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
}

static bool is_below(const char *path) {
    return record >= 0 && strncmp(path, folder, strlen(folder)) == 0;
}

/* The path of what this descriptor is open for; false if it is not one of interest. */
static bool find(int file, char target[PATH_MAX], struct stat *found) {
    char open_file[64];
    snprintf(open_file, sizeof open_file, "/proc/self/fd/%d", file);
    ssize_t length = record < 0 ? -1 : readlink(open_file, target, PATH_MAX - 1);
    if (length < 0 || fstat(file, found) != 0)
        return false;
    target[length] = '\0';
    return is_below(target);
}

static void say(const char *call, unsigned long inode, long a, long b, const char *path,
                const char *path2, const void *data, size_t bytes) {
    int code = errno;
    size_t room = 2 * PATH_MAX + 128 + bytes;
    char *text = malloc(room);
    size_t length =
        (size_t)snprintf(text, room, "%s %lu %ld %ld %s %s\n", call, inode, a, b, path, path2);
    if (bytes > 0)
        memcpy(text + length, data, bytes);
    if (NEXT(write)(record, text, length + bytes) != (ssize_t)(length + bytes))
        abort();
    free(text);
    errno = code;
}

static void say_of_file(const char *call, int file, long a, long b, const void *data,
                        size_t bytes) {
    char path[PATH_MAX];
    struct stat found;
    if (find(file, path, &found))
        say(call, found.st_ino, a, b, path, "-", data, bytes);
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    bool is_new = flags & O_CREAT && access(path, F_OK) != 0;
    int file = NEXT(open)(path, flags, mode);
    if (file >= 0 && is_new)
        say_of_file("create", file, 0, 0, NULL, 0);
    else if (file >= 0 && flags & O_TRUNC)
        say_of_file("resize", file, 0, 0, NULL, 0);
    return file;
}

ssize_t write(int file, const void *data, size_t bytes) {
    off_t at = lseek(file, 0, SEEK_CUR);
    ssize_t written = NEXT(write)(file, data, bytes);
    if (written > 0 && at >= 0)
        say_of_file("write", file, written, at, data, (size_t)written);
    return written;
}

ssize_t pwrite(int file, const void *data, size_t bytes, off_t at) {
    ssize_t written = NEXT(pwrite)(file, data, bytes, at);
    if (written > 0)
        say_of_file("write", file, written, at, data, (size_t)written);
    return written;
}

int ftruncate(int file, off_t bytes) {
    int code = NEXT(ftruncate)(file, bytes);
    if (code == 0)
        say_of_file("resize", file, bytes, 0, NULL, 0);
    return code;
}

int fsync(int file) {
    int code = NEXT(fsync)(file);
    if (code == 0)
        say_of_file("sync", file, 0, 0, NULL, 0);
    return code;
}

int fdatasync(int file) {
    int code = NEXT(fdatasync)(file);
    if (code == 0)
        say_of_file("sync", file, 0, 0, NULL, 0);
    return code;
}

int rename(const char *from, const char *to) {
    int code = NEXT(rename)(from, to);
    if (code == 0 && is_below(to))
        say("rename", 0, 0, 0, from, to, NULL, 0);
    return code;
}

int link(const char *from, const char *to) {
    int code = NEXT(link)(from, to);
    if (code == 0 && is_below(to))
        say("link", 0, 0, 0, from, to, NULL, 0);
    return code;
}

int unlink(const char *path) {
    int code = NEXT(unlink)(path);
    if (code == 0 && is_below(path))
        say("unlink", 0, 0, 0, path, "-", NULL, 0);
    return code;
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
