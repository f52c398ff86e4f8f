/* Whole-file reads and atomic replacement. */
#include "fedmpi/core/file.h"

#include "fedmpi/core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The place is wrong, or the disk is. */
static fed_status_t fail_writing(const char *path, int code) {
    bool disk = code == ENOSPC || code == EDQUOT || code == EIO || code == EFBIG;
    return fed_fail(disk ? FED_FAILURE : FED_INPUT, "%s: cannot write: %s", path, strerror(code));
}

static void make_folders(const char *path) {
    FED_AUTOFREE char *copy = fed_strdup(path);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(copy, 0777); /* what cannot be made shows when the file is opened */
        *slash = '/';
    }
}

static int write_all(int file, const char *data, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        ssize_t written = write(file, data + done, bytes - done);
        if (written < 0 && errno != EINTR)
            return errno;
        done += written > 0 ? (size_t)written : 0;
    }
    return 0;
}

static int write_new(const char *path, const void *data, size_t bytes, bool durable) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return errno;
    int code = write_all(file, data, bytes);
    if (!code && durable && fsync(file) != 0)
        code = errno;
    if (close(file) != 0 && !code)
        code = errno;
    return code;
}

static void sync_folder_of(const char *path) {
    FED_AUTOFREE char *copy = fed_strdup(path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return; /* not every file system can; the rename itself has succeeded */
    fsync(folder);
    close(folder);
}

fed_status_t fed_file_replace(const char *path, const void *data, size_t bytes, bool durable) {
    FED_AUTOFREE char *part = fed_format("%s.part", path);
    int code = write_new(part, data, bytes, durable);
    if (code == ENOENT) {
        make_folders(path);
        code = write_new(part, data, bytes, durable);
    }
    if (!code && rename(part, path) != 0)
        code = errno;
    if (code) {
        unlink(part);
        return fail_writing(path, code);
    }
    if (durable)
        sync_folder_of(path);
    return FED_OK;
}

fed_status_t fed_file_read(const char *path, size_t limit, void **data, size_t *bytes) {
    FILE *file = fopen(path, "rbe");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode)) {
        int code = file ? (errno ? errno : EINVAL) : errno;
        if (file)
            fclose(file);
        return fed_fail(FED_INPUT, "%s: cannot read: %s", path, strerror(code));
    }
    *bytes = (size_t)status.st_size;
    if (*bytes > limit) {
        fclose(file);
        return fed_fail(FED_INPUT, "%s: has %zu bytes, accepted is up to %zu", path, *bytes, limit);
    }
    *data = fed_alloc(*bytes, 1);
    size_t got = fread(*data, 1, *bytes, file);
    fclose(file);
    if (got == *bytes)
        return FED_OK;
    fed_free(*data);
    *data = NULL;
    return fed_fail(FED_INPUT, "%s: cannot read: ended after %zu of %zu bytes", path, got, *bytes);
}

bool fed_file_exists(const char *path) {
    return access(path, F_OK) == 0;
}
