/* Whole-file reads and atomic replacement. */
#include "fedmpi/core/file.h"

#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MOST_LINKS 40 /* that lead to a file; more go in a circle */
#define COPY_BYTES ((size_t)1 << 20)

/* Not in every system's header. */
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

/* The place is wrong, or disk or system are. */
static fed_status_t kind_of(int code) {
    static const int failures[] = {ENOSPC, EDQUOT, EIO, EFBIG, EMFILE, ENFILE, ENOMEM, ESTALE};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (code == failures[i])
            return FED_FAILURE;
    return FED_INPUT;
}

fed_status_t fed_file_fail(const char *path, int code) {
    return fed_fail(kind_of(code), "%s: cannot write: %s", path, strerror(code));
}

fed_status_t fed_file_fail_reading(const char *path, int code) {
    return fed_fail(FED_INPUT, "%s: cannot read: %s", path, strerror(code));
}

/* --- Folders ---------------------------------------------------------------------------- */

static bool is_folder(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    errno = S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
    return errno == 0;
}

/* Remove empty folders: those on the path whose names are longer than `existing`. */
static void remove_empty(char *path, size_t existing) {
    while (strlen(path) > existing && rmdir(path) == 0) {
        char *slash = strrchr(path, '/');
        *(slash ? slash : path) = '\0';
    }
}

void fed_file_remove_folders(const char *path, size_t existing) {
    FED_AUTOFREE char *copy = fed_strdup(path);
    char *slash = strrchr(copy, '/');
    if (!slash)
        return;
    *slash = '\0';
    remove_empty(copy, existing);
}

fed_status_t fed_file_make_folders(const char *path, size_t *existing) {
    FED_AUTOFREE char *copy = fed_strdup(path);
    size_t made = 0; /* length of what is new */
    *existing = 0;
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!is_folder(copy)) {
            if (errno != ENOENT || mkdir(copy, 0777) != 0) {
                int code = errno;
                fed_status_t status =
                    fed_fail(kind_of(code), "cannot make the folder %s: %s", copy, strerror(code));
                copy[made] = '\0';
                remove_empty(copy, *existing);
                return status;
            }
            made = strlen(copy);
        } else if (made == 0) {
            *existing = strlen(copy);
        }
        *slash = '/';
    }
    if (made == 0)
        *existing = strlen(path);
    else
        fed_info("made the folder %.*s", (int)made, path);
    return FED_OK;
}

static void sync_folder_of(const char *path) {
    FED_AUTOFREE char *copy = fed_strdup(path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return; /* not every file system can; the rename itself has succeeded */
    fsync(folder);
    close(folder);
}

/* --- Links ------------------------------------------------------------------------------ */

/* What a link says, seen from where the link lies. */
static char *follow(const char *path, const char *target) {
    const char *slash = strrchr(path, '/');
    if (*target == '/' || !slash)
        return fed_strdup(target);
    return fed_format("%.*s/%s", (int)(slash - path), path, target);
}

char *fed_file_resolve(const char *path) {
    char *found = fed_strdup(path), target[PATH_MAX];
    for (int links = 0; links < MOST_LINKS; links++) {
        ssize_t length = readlink(found, target, sizeof target - 1);
        if (length < 0)
            break;
        target[length] = '\0';
        char *next = follow(found, target);
        fed_free(found);
        found = next;
    }
    return found;
}

/* --- Writing ---------------------------------------------------------------------------- */

static int write_all(int file, const char *data, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        ssize_t written = write(file, data + done, bytes - done);
        if (written < 0 && errno != EINTR)
            return errno;
        done += written > 0 ? (size_t)written : 0;
    }
    return 0;
}

static int open_part(const char *part) {
    return open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

static void release(fed_file_t *file) {
    fed_free(file->part);
    fed_free(file->target);
}

/* Give up: the old file stays as it was. */
static fed_status_t abandon(fed_file_t *file) {
    if (file->descriptor >= 0)
        close(file->descriptor);
    unlink(file->part);
    release(file);
    return fed_file_fail(file->path, file->error);
}

/* The part takes the place of what is there: that must not be a device or a folder. */
static fed_status_t check_replaceable(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0 && errno == ELOOP)
        return fed_fail(FED_INPUT, "cannot write: %s", strerror(ELOOP));
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode))
        return FED_OK;
    if (S_ISDIR(status.st_mode))
        return fed_fail(FED_INPUT, "cannot write: %s", strerror(EISDIR));
    return fed_fail(FED_INPUT, "cannot write: exists and is not a regular file");
}

static fed_status_t open_in_folder(fed_file_t *file) {
    file->descriptor = open_part(file->part);
    if (file->descriptor < 0 && errno == ENOENT) {
        size_t existing;
        FED_TRY(fed_file_make_folders(file->target, &existing));
        file->descriptor = open_part(file->part);
    }
    if (file->descriptor < 0)
        return fed_fail(kind_of(errno), "cannot write: %s", strerror(errno));
    return FED_OK;
}

/* fed_file_begin; the message has no path yet. */
static fed_status_t begin(fed_file_t *file, const char *path) {
    char *target = fed_file_resolve(path);
    *file = (fed_file_t){.path = path, .target = target, .part = fed_format("%s.part", target)};
    fed_status_t status = check_replaceable(path);
    if (status == FED_OK)
        status = open_in_folder(file);
    if (status != FED_OK)
        release(file);
    return status;
}

fed_status_t fed_file_begin(fed_file_t *file, const char *path) {
    fed_status_t status = begin(file, path);
    if (status != FED_OK)
        fed_fail(status, "%s: %s", path, fed_error_message());
    return status;
}

fed_status_t fed_file_try(const char *path) {
    fed_file_t file;
    FED_TRY(begin(&file, path));
    close(file.descriptor);
    unlink(file.part);
    release(&file);
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
    if (!file->error && (closed != 0 || rename(file->part, file->target) != 0))
        file->error = errno;
    if (file->error)
        return abandon(file);
    if (file->durable)
        sync_folder_of(file->target);
    release(file);
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
    fed_status_t status = check_replaceable(path);
    if (status != FED_OK)
        return fed_fail(status, "%s: %s", path, fed_error_message());
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return fed_file_fail(path, errno);
    int code = extend(file, at, data, bytes);
    if (close(file) != 0 && !code)
        code = errno;
    if (at == 0)
        sync_folder_of(path);
    return code ? fed_file_fail(path, code) : FED_OK;
}

int fed_file_write_at(int descriptor, size_t at, const void *data, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        ssize_t written =
            pwrite(descriptor, (const char *)data + done, bytes - done, (off_t)(at + done));
        if (written < 0 && errno != EINTR)
            return errno;
        done += written > 0 ? (size_t)written : 0;
    }
    return 0;
}

int fed_file_read_at(int descriptor, size_t at, void *data, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(descriptor, (char *)data + done, bytes - done, (off_t)(at + done));
        if (got == 0)
            return EIO;
        if (got < 0 && errno != EINTR)
            return errno;
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

int fed_file_copy(int from, size_t from_at, int to, size_t to_at, size_t bytes) {
    FED_AUTOFREE char *buffer = fed_alloc(COPY_BYTES, 1);
    int code = 0;
    for (size_t done = 0; done < bytes && !code; done += COPY_BYTES) {
        size_t step = bytes - done < COPY_BYTES ? bytes - done : COPY_BYTES;
        code = fed_file_read_at(from, from_at + done, buffer, step);
        if (!code)
            code = fed_file_write_at(to, to_at + done, buffer, step);
    }
    return code;
}

bool fed_file_is_remote(int descriptor) {
    static const unsigned long remote[] = {NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC, SMB2_SUPER_MAGIC,
                                           CIFS_SUPER_MAGIC, AFS_SUPER_MAGIC, V9FS_MAGIC,
                                           FUSE_SUPER_MAGIC};
    struct statfs found;
    if (fstatfs(descriptor, &found) != 0)
        return true;
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if ((unsigned long)found.f_type == remote[i])
            return true;
    return false;
}

fed_status_t fed_file_open(const char *path, int *descriptor, size_t *bytes) {
    struct stat status;
    *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* may be a pipe */
    if (*descriptor < 0)
        return fed_file_fail_reading(path, errno);
    int code = fstat(*descriptor, &status) == 0 ? 0 : errno;
    if (!code && S_ISREG(status.st_mode)) {
        *bytes = (size_t)status.st_size;
        return FED_OK;
    }
    close(*descriptor);
    if (!code && !S_ISDIR(status.st_mode))
        return fed_fail(FED_INPUT, "%s: cannot read: is no file but a pipe or a device", path);
    return fed_file_fail_reading(path, code ? code : EISDIR);
}

fed_status_t fed_file_read(const char *path, size_t limit, void **data, size_t *bytes) {
    int descriptor;
    FED_TRY(fed_file_open(path, &descriptor, bytes));
    if (*bytes > limit) {
        close(descriptor);
        return fed_fail(FED_INPUT, "%s: has %zu bytes, accepted is up to %zu", path, *bytes, limit);
    }
    *data = fed_alloc(*bytes, 1);
    int code = fed_file_read_at(descriptor, 0, *data, *bytes);
    close(descriptor);
    if (!code)
        return FED_OK;
    fed_free(*data);
    *data = NULL;
    return fed_file_fail_reading(path, code);
}

bool fed_file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

bool fed_file_holds_something(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 && S_ISREG(found.st_mode) && found.st_size > 0;
}
