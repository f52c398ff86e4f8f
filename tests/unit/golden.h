/* Reading the golden files of tests/golden: arrays and numbers by their path. */
#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <hdf5.h>

/* "a/b/c" from printf; at most 255 characters. */
#define GOLDEN_PATH(name, ...)                                                                     \
    char name[256];                                                                                \
    snprintf(name, sizeof name, __VA_ARGS__)

static inline hid_t golden_open(const char *file) {
    hid_t opened = H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (opened < 0)
        fail_msg("%s: cannot open; tests run in the project's folder", file);
    return opened;
}

static inline int golden_has(hid_t file, const char *path) {
    return H5Lexists(file, path, H5P_DEFAULT) > 0;
}

/* A whole array as `type`, converted; the caller frees it. */
static inline void *golden_read(hid_t file, const char *path, hid_t type, size_t *count) {
    hid_t set = H5Dopen2(file, path, H5P_DEFAULT);
    if (set < 0)
        fail_msg("%s is not in the golden file", path);
    hid_t space = H5Dget_space(set);
    size_t elements = (size_t)H5Sget_simple_extent_npoints(space);
    void *values = calloc(elements + 1, H5Tget_size(type));
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Sclose(space);
    H5Dclose(set);
    if (count)
        *count = elements;
    return values;
}

static inline float *golden_floats(hid_t file, const char *path, size_t *count) {
    return golden_read(file, path, H5T_NATIVE_FLOAT, count);
}

static inline double *golden_doubles(hid_t file, const char *path, size_t *count) {
    return golden_read(file, path, H5T_NATIVE_DOUBLE, count);
}

static inline int32_t *golden_integers(hid_t file, const char *path, size_t *count) {
    return golden_read(file, path, H5T_NATIVE_INT32, count);
}

/* A number that is an attribute of the object at `path`. */
static inline double golden_number(hid_t file, const char *path, const char *name) {
    double value = 0;
    hid_t attribute = H5Aopen_by_name(file, path, name, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0)
        fail_msg("%s has no attribute %s", path, name);
    assert_true(H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) >= 0);
    H5Aclose(attribute);
    return value;
}

/* The same for a text; the caller frees it. */
static inline char *golden_text(hid_t file, const char *path, const char *name) {
    char *value = NULL;
    hid_t attribute = H5Aopen_by_name(file, path, name, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0)
        fail_msg("%s has no attribute %s", path, name);
    hid_t type = H5Aget_type(attribute);
    assert_true(H5Tis_variable_str(type) > 0);
    assert_true(H5Aread(attribute, type, &value) >= 0);
    H5Tclose(type);
    H5Aclose(attribute);
    return value;
}

#endif
