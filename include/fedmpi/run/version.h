/** Who we are: for --version and for the results file. */
#ifndef FEDMPI_RUN_VERSION_H
#define FEDMPI_RUN_VERSION_H

#define FED_VERSION "0.1.0"

/** Of the results file: grows when a table or field changes its meaning. */
#define FED_SCHEMA_VERSION 1

/** The commit that was built, "unknown" outside a git checkout. */
const char *fed_git_revision(void);

/** Compiler and libraries, one a line; static memory. */
const char *fed_libraries(void);

/** The processor's name, from /proc/cpuinfo; static memory. */
const char *fed_cpu_model(void);

#endif
