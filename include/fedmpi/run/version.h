/** Who we are: for --version and for the results file. */
#ifndef FEDMPI_RUN_VERSION_H
#define FEDMPI_RUN_VERSION_H

/** "0.2.0" where the tag v0.2.0 was built, "0.2.0+5.g1234abc" five commits behind it; outside a
 * git checkout, or before the first tag, what the file VERSION says. */
const char *fed_version(void);

/** Of the results file: grows when a table or field changes its meaning. */
#define FED_SCHEMA_VERSION 1

/** The commit that was built, "unknown" outside a git checkout. */
const char *fed_git_revision(void);

/** Compiler and libraries, one a line; static memory. */
const char *fed_libraries(void);

/** The processor's name, from /proc/cpuinfo; static memory. */
const char *fed_cpu_model(void);

#endif
