/* Where HDF5's format keeps what is said of a data set's rows. */
#ifndef FEDMPI_IO_HEADER_H
#define FEDMPI_IO_HEADER_H

#include <stddef.h>
#include <stdint.h>

/* The head of a data space: version 1, one dimension, no flags. */
#define FED_HEADER_FIXED_SIZE 0x0101U

/* Offsets in the file of 64-bit numbers, little-endian. */
typedef struct fed_header {
    size_t space;   /* FED_HEADER_FIXED_SIZE: rows are all that there can be, no maximum is told */
    size_t rows;    /* a multiple of 8: one store, which nobody sees half of */
    size_t address; /* where the first row is */
    size_t bytes;   /* from there on that are the data set's */
} fed_header_t;

/* Of a one-dimensional, contiguous data set that has no rows yet; dies unless the image has the
 * format that archives are made in.
 * @param object  the address of the data set's object header */
fed_header_t fed_header_find(const unsigned char *image, size_t bytes, uint64_t object);

/* Where the superblock says how long the file is. */
size_t fed_header_of_file(const unsigned char *image, size_t bytes);

#endif
