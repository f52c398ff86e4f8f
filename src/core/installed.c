/* What was installed beside the program. */
#include "fedmpi/core/installed.h"

#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"

#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

char *fed_installed(const char *name) {
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return NULL;
    program[length] = '\0';
    char *folder = dirname(program);
    char *last = strrchr(folder, '/');
    if (!last || strcmp(last, "/bin") != 0)
        return NULL;
    *last = '\0';
    char *path = fed_format("%s/share/fedmpi/%s", folder, name);
    if (fed_file_exists(path))
        return path;
    fed_free(path);
    return NULL;
}
