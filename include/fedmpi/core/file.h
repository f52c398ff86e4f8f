/** Files: written whole or not at all. */
#ifndef FEDMPI_CORE_FILE_H
#define FEDMPI_CORE_FILE_H

#include "fedmpi/core/error.h"

#include <stdbool.h>
#include <stddef.h>

/** Replace a file's content by writing PATH.part beside it and renaming.
 *
 * After an error, or a kill at any moment, the file has its old content or its new
 * one, never a part of one. Missing parent folders are made.
 *
 * @param durable  also outlive a crash of the machine (fsync)
 * @return FED_INPUT if the place cannot be written to, FED_FAILURE if the disk fails */
fed_status_t fed_file_replace(const char *path, const void *data, size_t bytes, bool durable);

/** Read a whole file; the caller frees *data with fed_free.
 * FED_INPUT if it cannot be read or has more than `limit` bytes. */
fed_status_t fed_file_read(const char *path, size_t limit, void **data, size_t *bytes);

bool fed_file_exists(const char *path);

#endif
