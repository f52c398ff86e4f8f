/** HDF5 files that others wrote: reading entries of their arrays from disk. */
#ifndef FEDMPI_IO_ARRAYS_H
#define FEDMPI_IO_ARRAYS_H

#include "fedmpi/core/arrays.h"

extern const fed_array_format_t fed_hdf5_arrays;

#endif
