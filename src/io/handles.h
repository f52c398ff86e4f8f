/* HDF5's handles and errors: what all of io does the same way. */
#ifndef FEDMPI_IO_HANDLES_H
#define FEDMPI_IO_HANDLES_H

#include <hdf5.h>

/* A handle that closes itself at the end of its scope. */
#define AUTOCLOSE __attribute__((cleanup(fed_close_handle))) hid_t
void fed_close_handle(const hid_t *handle);

/* The reason HDF5 gives for its last failure, into reason[256]. */
const char *fed_last_reason(char reason[256]);

#endif
