/** Files: written whole or not at all. */
#ifndef FEDMPI_CORE_FILE_H
#define FEDMPI_CORE_FILE_H

#include "fedmpi/core/error.h"

#include <stdbool.h>
#include <stddef.h>

/** Replace a file's content by writing PATH.part beside it and renaming.
 *
 * After an error, or a kill at any moment, the file has its old content or its new
 * one, never a part of one. A symbolic link stays one: what it points to is replaced.
 * Missing parent folders are made, which is said, or none of them.
 *
 * @param durable  also outlive a crash of the machine (fsync)
 * @return FED_INPUT if the place cannot be written to, FED_FAILURE if the disk fails */
fed_status_t fed_file_replace(const char *path, const void *data, size_t bytes, bool durable);

/** Could fed_file_replace write here? Leaves nothing but missing folders, made. The message does
 * not name the path: its caller does. */
fed_status_t fed_file_try(const char *path);

/** A replacement in steps: begin, append, sync if it must outlive a crash, finish. Errors
 * of the steps between are kept for the last. */
typedef struct fed_file {
    const char *path; /**< borrowed */
    char *target;     /**< where links at PATH lead to, else PATH */
    char *part;       /**< TARGET.part, which becomes TARGET */
    int descriptor;   /**< of the part, also for reading */
    bool durable;     /**< it was synced: the new name will be, too */
    int error;        /**< errno of the first step that failed, or 0 */
} fed_file_t;

/** Open PATH.part, making missing folders. After an error there is nothing to finish. */
fed_status_t fed_file_begin(fed_file_t *file, const char *path);
void fed_file_append(fed_file_t *file, const void *data, size_t bytes);

/** What was appended is on the disk; after an error PATH.part is gone. */
fed_status_t fed_file_sync(fed_file_t *file);

/** Close PATH.part and rename it, or after an error remove it. */
fed_status_t fed_file_finish(fed_file_t *file);

/** Write behind the first `at` bytes of a file, which is made if it is missing; what stood there
 * is cut off. Synced; the first bytes are never touched. */
fed_status_t fed_file_extend(const char *path, size_t at, const void *data, size_t bytes);

/** Make what is missing of the folders that a file lies in, and say so, or none of them. The
 * message names the folder and the reason, not the file.
 * @param existing  [out] length of the path's part that was there before */
fed_status_t fed_file_make_folders(const char *path, size_t *existing);

/** Take back those that are empty. */
void fed_file_remove_folders(const char *path, size_t existing);

/** Where the symbolic links at a path lead to; the path itself if it is none. The caller frees it.
 */
char *fed_file_resolve(const char *path);

/** "PATH: cannot write: ..." for an errno: FED_FAILURE if it is the disk's, else FED_INPUT. */
fed_status_t fed_file_fail(const char *path, int code);

/** "PATH: cannot read: ..." for an errno: FED_INPUT. */
fed_status_t fed_file_fail_reading(const char *path, int code);

/** Write over bytes of an open file, read some (a file that ends too early is EIO), or copy some
 * from another; 0 or errno. */
int fed_file_write_at(int descriptor, size_t at, const void *data, size_t bytes);
int fed_file_read_at(int descriptor, size_t at, void *data, size_t bytes);
int fed_file_copy(int from, size_t from_at, int to, size_t to_at, size_t bytes);

/** Is it on a file system where machines see each other's writes in another order than they were
 * made, unless they are synced: NFS and its like? */
bool fed_file_is_remote(int descriptor);

/** Open a regular file to read it: nothing else is waited for.
 * @param descriptor  [out] the caller closes it
 * @param bytes       [out] that it has
 * @return FED_INPUT with the path and the reason */
fed_status_t fed_file_open(const char *path, int *descriptor, size_t *bytes);

/** Read a whole file; the caller frees *data with fed_free.
 * FED_INPUT if it cannot be read or has more than `limit` bytes. */
fed_status_t fed_file_read(const char *path, size_t limit, void **data, size_t *bytes);

bool fed_file_exists(const char *path);

/** Is there a file that is not empty? */
bool fed_file_holds_something(const char *path);

#endif
