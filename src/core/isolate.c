/* A child process with limits. */
#include "fedmpi/core/isolate.h"

#include "fedmpi/core/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSOR_SECONDS 60

/* What the child leaves beside the caller's memory. */
typedef struct outcome {
    fed_status_t status;
    char message[1024];
} outcome_t;

void *fed_isolate_alloc(size_t bytes) {
    void *memory = mmap(NULL, bytes > 0 ? bytes : 1, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fed_die("no memory for %.1f MiB", (double)bytes / 1048576.0);
    return memory;
}

void fed_isolate_free(void *memory, size_t bytes) {
    munmap(memory, bytes > 0 ? bytes : 1);
}

/* Bytes of address space in use; 0 if that cannot be known. */
static rlim_t address_space(void) {
    char pages[64] = ""; /* the first number of the line */
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    bool read = fgets(pages, sizeof pages, file);
    fclose(file);
    return read ? strtoull(pages, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE) : 0;
}

static void limit(int resource, rlim_t value) {
    struct rlimit limits;
    if (getrlimit(resource, &limits) != 0 || limits.rlim_cur <= value)
        return;
    limits.rlim_cur = value;
    setrlimit(resource, &limits);
}

/* A crash of the child is no news: no core file, no words, no handlers of the parent. */
static void become_child(size_t memory_bytes) {
    static const int crashes[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                  SIGABRT, SIGTERM, SIGINT, SIGUSR1};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        signal(crashes[i], SIG_DFL);
    int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0)
        dup2(nowhere, STDERR_FILENO);
    fed_set_abort(NULL, 0);
    rlim_t now = address_space();
    if (now > 0)
        limit(RLIMIT_AS, now + memory_bytes);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, PROCESSOR_SECONDS);
}

static int wait_for(pid_t child) {
    int how = 0;
    while (waitpid(child, &how, 0) < 0)
        if (errno != EINTR)
            return -1;
    return how;
}

/* A signal to the whole process group, as Ctrl-C sends it, reaches the child too: it is the
 * run's. */
static bool was_stopped(int how) {
    int number = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
    bool stops = number == SIGTERM || number == SIGINT || number == SIGUSR1;
    if (stops)
        fed_stop_ask(number);
    return stops;
}

fed_status_t fed_isolate(fed_status_t (*work)(void *context), void *context, size_t memory_bytes,
                         const char *what) {
    outcome_t *outcome = fed_isolate_alloc(sizeof *outcome);
    pid_t child = fork();
    if (child == 0) {
        become_child(memory_bytes);
        outcome->status = work(context);
        snprintf(outcome->message, sizeof outcome->message, "%s", fed_error_message());
        _exit(0);
    }
    fed_status_t status;
    int how = child > 0 ? wait_for(child) : -1;
    if (child < 0)
        status = fed_fail(FED_FAILURE, "%s: cannot start a process: %s", what, strerror(errno));
    else if (was_stopped(how))
        status = fed_stop_status();
    else if (how != 0)
        status = fed_fail(FED_INPUT, "%s: damaged: the library that reads it gave up", what);
    else if (outcome->status != FED_OK)
        status = fed_fail(outcome->status, "%s", outcome->message);
    else
        status = FED_OK;
    fed_isolate_free(outcome, sizeof *outcome);
    return status;
}
