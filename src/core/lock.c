/* Lock files. */
#include "fedmpi/core/lock.h"

#include "fedmpi/core/clock.h"
#include "fedmpi/core/environment.h"
#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ATTEMPTS 100 /* a file that others remove meanwhile is opened again */

/* Who holds a lock; what is not known is empty. */
typedef struct holder {
    char host[128], since[32];
    long process;
    char started[32];        /* clock ticks after the machine's start */
    char machine[64];        /* one start of one machine */
    char processes[64];      /* the name space in which the process has its number */
    char job[32], start[16]; /* Slurm's job, and how often it has been started again */
} holder_t;

/* CLAIMED: by its content, so that it is for the user to know whether that process lives. */
typedef enum hold { HELD, BUSY, CLAIMED, GONE, UNSUPPORTED } hold_t;

/* --- Who we are, and who is alive --------------------------------------------------------- */

static void read_line(const char *path, char *line, int bytes) {
    FILE *file = fopen(path, "re");
    *line = '\0';
    if (!file)
        return;
    if (!fgets(line, bytes, file))
        *line = '\0';
    line[strcspn(line, "\n")] = '\0';
    fclose(file);
}

/* When a process started: the 22nd word of its line, counted behind the name, which may have
 * spaces. Empty if there is none. */
static void read_start(long process, char started[32]) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", process);
    read_line(path, line, sizeof line);
    char *word = strrchr(line, ')');
    for (int i = 2; word && i < 22; i++)
        word = strchr(word + 1, ' ');
    snprintf(started, 32, "%.*s", word ? (int)strcspn(word + 1, " ") : 0, word ? word + 1 : "");
}

static void read_variable(const char *name, char *value, size_t bytes) {
    const char *text = fed_environment_get(name);
    snprintf(value, bytes, "%s", text ? text : "");
}

static holder_t ourselves(void) {
    holder_t us = {.process = (long)getpid()};
    if (gethostname(us.host, sizeof us.host - 1) != 0)
        strcpy(us.host, "?");
    fed_clock_iso8601(us.since);
    read_start(us.process, us.started);
    read_line("/proc/sys/kernel/random/boot_id", us.machine, sizeof us.machine);
    ssize_t length = readlink("/proc/self/ns/pid", us.processes, sizeof us.processes - 1);
    us.processes[length > 0 ? length : 0] = '\0';
    read_variable("SLURM_JOB_ID", us.job, sizeof us.job);
    read_variable("SLURM_RESTART_COUNT", us.start, sizeof us.start);
    return us;
}

/* Of another machine or container nobody knows here. */
static bool is_over(const holder_t *holder) {
    holder_t us = ourselves();
    if (strcmp(holder->host, us.host) != 0 || !*holder->machine || !*us.machine)
        return false;
    if (strcmp(holder->machine, us.machine) != 0)
        return true; /* it has been started anew since */
    if (strcmp(holder->processes, us.processes) != 0)
        return false;
    char started[32];
    read_start(holder->process, started);
    bool there = kill((pid_t)holder->process, 0) == 0 || errno != ESRCH;
    return !there || strcmp(started, holder->started) != 0;
}

/* A job that Slurm has started anew, as it lost a node, may be there on that node still. */
static bool is_earlier_start(const holder_t *holder) {
    holder_t us = ourselves();
    return *us.job && strcmp(holder->job, us.job) == 0 && strcmp(holder->start, us.start) != 0;
}

/* --- The file's content ------------------------------------------------------------------- */

static int write_holder(int descriptor) {
    holder_t us = ourselves();
    FED_AUTOFREE char *text = fed_format(
        "host %s\nprocess %ld\nsince %s\nstarted %s\nmachine %s\nprocesses %s\njob %s\nstart %s\n"
        "A run of fedmpi is writing the file beside this one.\n",
        us.host, us.process, us.since, us.started, us.machine, us.processes, us.job, us.start);
    if (ftruncate(descriptor, 0) != 0)
        return errno;
    return fed_file_write_at(descriptor, 0, text, strlen(text));
}

static void read_holder(int descriptor, holder_t *holder) {
    char text[1024] = "", process[32] = "";
    ssize_t length = pread(descriptor, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    *holder = (holder_t){0};
    const struct {
        const char *name;
        char *value;
        size_t bytes;
    } fields[] = {
        {"host ", holder->host, sizeof holder->host},
        {"process ", process, sizeof process},
        {"since ", holder->since, sizeof holder->since},
        {"started ", holder->started, sizeof holder->started},
        {"machine ", holder->machine, sizeof holder->machine},
        {"processes ", holder->processes, sizeof holder->processes},
        {"job ", holder->job, sizeof holder->job},
        {"start ", holder->start, sizeof holder->start},
    };
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
            size_t skip = strlen(fields[i].name);
            if (strncmp(line, fields[i].name, skip) == 0)
                snprintf(fields[i].value, fields[i].bytes, "%.*s", (int)strcspn(line + skip, "\n"),
                         line + skip);
        }
    holder->process = strtol(process, NULL, 10);
}

/* --- Taking ------------------------------------------------------------------------------- */

static bool is_the_file(int descriptor, const char *path) {
    struct stat ours, there;
    return fstat(descriptor, &ours) == 0 && stat(path, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* The kernel's lock, of the open file: children that HDF5 works in do not end it. */
static hold_t lock_open_file(int descriptor) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(descriptor, F_OFD_SETLK, &whole) == 0)
        return HELD;
    return errno == EAGAIN || errno == EACCES ? BUSY : UNSUPPORTED;
}

/* Without the kernel's: who made the file has it. A void one is moved away; if meanwhile another
 * process did the same, it is that one's new file that was moved, which goes back. */
static hold_t lock_by_content(int descriptor, const char *path, bool made) {
    holder_t holder;
    if (made)
        return HELD;
    read_holder(descriptor, &holder);
    if (!is_over(&holder))
        return CLAIMED;
    FED_AUTOFREE char *away = fed_format("%s.%ld", path, (long)getpid());
    if (rename(path, away) == 0 && !is_the_file(descriptor, away))
        (void)!link(away, path);
    unlink(away);
    return GONE;
}

/* Open the file, made if it is not there, and try once. */
static hold_t attempt(const char *path, int *descriptor) {
    bool made = true;
    *descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (*descriptor < 0 && errno == EEXIST) {
        made = false;
        *descriptor = open(path, O_RDWR | O_CLOEXEC);
    }
    if (*descriptor < 0)
        return errno == ENOENT ? GONE : UNSUPPORTED;
    hold_t hold = lock_open_file(*descriptor);
    if (hold == UNSUPPORTED)
        hold = lock_by_content(*descriptor, path, made);
    if (hold == HELD && !is_the_file(*descriptor, path))
        hold = GONE; /* its owner gave it back between the two */
    return hold;
}

static fed_status_t fail_busy(int descriptor, const char *path, hold_t hold) {
    holder_t holder;
    read_holder(descriptor, &holder);
    FED_AUTOFREE char *who = holder.process == 0
                                 ? fed_strdup("")
                                 : fed_format(": process %ld on host %s, since %s", holder.process,
                                              holder.host, holder.since);
    if (hold == BUSY && is_earlier_start(&holder))
        return fed_fail(FED_STOPPED, "an earlier start of job %s is writing it%s", holder.job, who);
    FED_AUTOFREE char *remedy =
        hold == BUSY
            ? fed_strdup("")
            : fed_format("; if it has ended, which cannot be seen from here, remove %s", path);
    return fed_fail(FED_INPUT, "another run is writing it%s%s", who, remedy);
}

static fed_status_t take(fed_lock_t *lock) {
    hold_t hold = GONE;
    for (int i = 0; i < ATTEMPTS && hold == GONE; i++) {
        hold = attempt(lock->path, &lock->descriptor);
        if (hold == GONE && lock->descriptor >= 0)
            close(lock->descriptor);
    }
    if (hold == UNSUPPORTED || hold == GONE)
        return fed_fail(FED_INPUT, "cannot write: %s", strerror(errno));
    int code = hold == HELD ? write_holder(lock->descriptor) : 0;
    if (hold == HELD && !code)
        return FED_OK;
    fed_status_t status = code ? fed_fail(FED_INPUT, "cannot write: %s", strerror(code))
                               : fail_busy(lock->descriptor, lock->path, hold);
    if (hold == HELD)
        unlink(lock->path);
    close(lock->descriptor);
    return status;
}

fed_status_t fed_lock_take(fed_lock_t *lock, const char *path) {
    FED_AUTOFREE char *target = fed_file_resolve(path);
    *lock = (fed_lock_t){.path = fed_format("%s.lock", target)};
    fed_status_t status = fed_file_make_folders(lock->path, &lock->existing);
    if (status == FED_OK) {
        status = take(lock);
        if (status != FED_OK)
            fed_file_remove_folders(lock->path, lock->existing);
    }
    if (status != FED_OK) {
        fed_free(lock->path);
        *lock = (fed_lock_t){0};
    }
    return status;
}

void fed_lock_release(fed_lock_t *lock) {
    if (!lock->path)
        return;
    if (is_the_file(lock->descriptor, lock->path))
        unlink(lock->path);
    close(lock->descriptor);
    fed_file_remove_folders(lock->path, lock->existing);
    fed_free(lock->path);
    *lock = (fed_lock_t){0};
}
