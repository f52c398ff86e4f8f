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

static void sync_folder_of(const char *path) {
    FED_AUTOFREE char *copy = fed_strdup(path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return; /* not every file system can; the rename itself has succeeded */
    fsync(folder);
    close(folder);
}

static int open_part(const char *part) {
    return open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

/* Give up: the old file stays as it was. */
static fed_status_t abandon(fed_file_t *file) {
    if (file->descriptor >= 0)
        close(file->descriptor);
    unlink(file->part);
    fed_free(file->part);
    return fail_writing(file->path, file->error);
}

/* The part takes the place of what is there: that must not be a device or a folder. */
static fed_status_t check_replaceable(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode))
        return FED_OK;
    if (S_ISDIR(status.st_mode))
        return fail_writing(path, EISDIR);
    return fed_fail(FED_INPUT, "%s: cannot write: exists and is not a regular file", path);
}

fed_status_t fed_file_begin(fed_file_t *file, const char *path) {
    FED_TRY(check_replaceable(path));
    *file = (fed_file_t){.path = path, .part = fed_format("%s.part", path)};
    file->descriptor = open_part(file->part);
    if (file->descriptor < 0 && errno == ENOENT) {
        make_folders(path);
        file->descriptor = open_part(file->part);
    }
    if (file->descriptor >= 0)
        return FED_OK;
    file->error = errno;
    fed_free(file->part);
    return fail_writing(path, file->error);
}

fed_status_t fed_file_try(const char *path) {
    fed_file_t file;
    FED_TRY(fed_file_begin(&file, path));
    close(file.descriptor);
    unlink(file.part);
    fed_free(file.part);
    return FED_OK;
}

void fed_file_append(fed_file_t *file, const void *data, size_t bytes) {
    if (!file->error)
        file->error = write_all(file->descriptor, data, bytes);
}

fed_status_t fed_file_sync(fed_file_t *file) {
    if (!file->error && fsync(file->descriptor) != 0)
        file->error = errno;
    file->durable = true;
    return file->error ? abandon(file) : FED_OK;
}

fed_status_t fed_file_finish(fed_file_t *file) {
    int closed = close(file->descriptor);
    file->descriptor = -1;
    if (!file->error && (closed != 0 || rename(file->part, file->path) != 0))
        file->error = errno;
    if (file->error)
        return abandon(file);
    if (file->durable)
        sync_folder_of(file->path);
    fed_free(file->part);
    return FED_OK;
}

fed_status_t fed_file_replace(const char *path, const void *data, size_t bytes, bool durable) {
    fed_file_t file;
    FED_TRY(fed_file_begin(&file, path));
    fed_file_append(&file, data, bytes);
    if (durable)
        FED_TRY(fed_file_sync(&file));
    return fed_file_finish(&file);
}

static int extend(int file, size_t at, const void *data, size_t bytes) {
    if (ftruncate(file, (off_t)at) != 0 || lseek(file, (off_t)at, SEEK_SET) < 0)
        return errno;
    int code = write_all(file, data, bytes);
    return !code && fsync(file) != 0 ? errno : code;
}

fed_status_t fed_file_extend(const char *path, size_t at, const void *data, size_t bytes) {
    FED_TRY(check_replaceable(path));
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return fail_writing(path, errno);
    int code = extend(file, at, data, bytes);
    if (close(file) != 0 && !code)
        code = errno;
    if (at == 0)
        sync_folder_of(path);
    return code ? fail_writing(path, code) : FED_OK;
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
