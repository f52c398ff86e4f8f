/* Versions of ourselves and of what we stand on. */
#include "fedmpi/run/version.h"

#include "fedmpi/io/archive.h"
#include "fedmpi/math/blas.h"
#include "fedmpi/math/simd.h"

#include <stdio.h>
#include <string.h>

#ifndef FED_GIT_REVISION
#define FED_GIT_REVISION "unknown"
#endif
#ifndef FED_VERSION /* the Makefile tells it */
#define FED_VERSION "0.0.0"
#endif

const char *fed_version(void) {
    return FED_VERSION;
}

const char *fed_git_revision(void) {
    return FED_GIT_REVISION;
}

const char *fed_libraries(void) {
    static char libraries[1024];
    snprintf(libraries, sizeof libraries, "compiler: %s\nBLAS: %s\nkernels: %s\n%s",
#ifdef __clang__
             __VERSION__,
#else
             "GCC " __VERSION__,
#endif
             fed_blas_description(), fed_simd_name(), fed_archive_library());
    return libraries;
}

const char *fed_cpu_model(void) {
    static char model[256] = "unknown";
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (!file)
        return model;
    char line[512];
    while (fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (colon && strncmp(line, "model name", 10) == 0) {
            snprintf(model, sizeof model, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    fclose(file);
    return model;
}
