/* HDF5's handles and errors: what all of io does the same way. */
#ifndef FEDMPI_IO_HANDLES_H
#define FEDMPI_IO_HANDLES_H

#include <hdf5.h>

/* A handle that closes itself at the end of its scope. */
#define AUTOCLOSE __attribute__((cleanup(fed_close_handle), unused)) hid_t
void fed_close_handle(const hid_t *handle);

/* How files are opened: without a lock, which not every file system has and which nobody needs
 * here. HDF5's messages are ours to print, it loads no plug-in that a file asks for, and does not
 * clean up at the end of the process, where it may crash after a damaged file. */
hid_t fed_file_access(void);

/* The reason HDF5 gives for its last failure, into reason[256]. */
const char *fed_last_reason(char reason[256]);

#endif
