/* Archives: what is put in is what HDF5 reads back, and hostile images are refused. */
#include "support.h"

#include "fedmpi/fl/records.h"
#include "fedmpi/io/archive.h"
#include "fedmpi/io/arrays.h"

#include <hdf5.h>
#include <sys/stat.h>

/* The archive as a file that HDF5 opens by itself. */
static hid_t reopen(fed_archive_t *archive) {
    assert_ok(fed_archive_publish(archive, path_of("archive.h5"), false));
    hid_t file = H5Fopen(path_of("archive.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static char *text_attribute(hid_t file, const char *object, const char *name) {
    static char text[256];
    memset(text, 0, sizeof text);
    hid_t attribute = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0)
        fail_msg("%s has no attribute %s", object, name);
    hid_t type = H5Aget_type(attribute);
    assert_true(H5Aread(attribute, type, text) >= 0);
    H5Tclose(type);
    H5Aclose(attribute);
    return text;
}

static void arrays_come_back(void **state) {
    (void)state;
    const float floats[2][3] = {{1, -2, 3.5F}, {0, 1e-40F, 3e38F}};
    const int64_t integers[] = {INT64_MIN, 0, INT64_MAX};
    const uint32_t words[] = {0, UINT32_MAX};
    const double doubles[] = {0.1};
    const unsigned char bytes[] = {1, 2, 3};
    fed_archive_t *archive = fed_archive_create();
    fed_archive_put(archive, "/a/b/floats", FED_FLOAT32, 2, (size_t[]){2, 3}, floats);
    fed_archive_put(archive, "/integers", FED_INT64, 1, (size_t[]){3}, integers);
    fed_archive_put(archive, "/a/words", FED_UINT32, 1, (size_t[]){2}, words);
    fed_archive_put(archive, "doubles", FED_FLOAT64, 4, (size_t[]){1, 1, 1, 1}, doubles);
    fed_archive_put(archive, "/bytes", FED_BYTE, 1, (size_t[]){2}, bytes);
    fed_archive_put(archive, "/bytes", FED_BYTE, 1, (size_t[]){3}, bytes); /* replaced */

    size_t size;
    const void *image = fed_archive_view(archive, &size);
    fed_archive_t *again;
    assert_ok(fed_archive_open(image, size, "again", &again));
    float got_floats[2][3];
    int64_t got_integers[3];
    double got_doubles[1];
    unsigned char got_bytes[3];
    assert_ok(fed_archive_get(again, "a/b/floats", FED_FLOAT32, 2, (size_t[]){2, 3}, got_floats));
    assert_memory_equal(got_floats, floats, sizeof floats);
    assert_ok(fed_archive_get(again, "/integers", FED_INT64, 1, (size_t[]){3}, got_integers));
    assert_memory_equal(got_integers, integers, sizeof integers);
    assert_ok(
        fed_archive_get(again, "doubles", FED_FLOAT64, 4, (size_t[]){1, 1, 1, 1}, got_doubles));
    assert_true(got_doubles[0] == 0.1);
    assert_ok(fed_archive_get(again, "bytes", FED_BYTE, 1, (size_t[]){3}, got_bytes));
    assert_memory_equal(got_bytes, bytes, 3);
    fed_archive_destroy(again);
    fed_archive_destroy(archive);
    fed_archive_destroy(NULL);
}

static void other_types_and_shapes_are_refused(void **state) {
    (void)state;
    const float values[6] = {0};
    float got[6];
    size_t size;
    fed_archive_t *archive = fed_archive_create(), *again;
    fed_archive_put(archive, "/group/x", FED_FLOAT32, 2, (size_t[]){2, 3}, values);
    fed_archive_put_text(archive, "/text", "some text");
    const void *image = fed_archive_view(archive, &size);
    assert_ok(fed_archive_open(image, size, "run.h5", &again));
    assert_fails(FED_INPUT, "run.h5: no data set /group/x of the expected type",
                 fed_archive_get(again, "/group/x", FED_INT64, 2, (size_t[]){2, 3}, got));
    assert_fails(FED_INPUT, "run.h5: /group/x has another shape than expected",
                 fed_archive_get(again, "/group/x", FED_FLOAT32, 2, (size_t[]){3, 2}, got));
    assert_fails(FED_INPUT, "another shape",
                 fed_archive_get(again, "/group/x", FED_FLOAT32, 1, (size_t[]){6}, got));
    static const char *const absent[] = {"/group/y", "/nowhere/x", "/group/x/y", "/group", "/text"};
    for (size_t i = 0; i < 5; i++)
        assert_fails(FED_INPUT, "run.h5: ",
                     fed_archive_get(again, absent[i], FED_FLOAT32, 1, (size_t[]){6}, got));
    fed_archive_destroy(again);
    fed_archive_destroy(archive);
}

static void descriptions_are_attributes(void **state) {
    (void)state;
    fed_archive_t *archive = fed_archive_create();
    fed_archive_describe(archive, "/", "status", "running");
    fed_archive_describe(archive, "/", "status", "complete, with more text");
    fed_archive_describe(archive, "/new/group", "help", "");
    fed_archive_describe_integer(archive, "/", "ranks", 7);
    fed_archive_put_text(archive, "/config/ini", "[a]\nb = \xc3\xa9\n");
    hid_t file = reopen(archive);
    assert_string_equal(text_attribute(file, "/", "status"), "complete, with more text");
    assert_string_equal(text_attribute(file, "/new/group", "help"), "");
    hid_t attribute = H5Aopen(file, "ranks", H5P_DEFAULT);
    int64_t ranks;
    assert_true(H5Aread(attribute, H5T_NATIVE_INT64, &ranks) >= 0 && ranks == 7);
    H5Aclose(attribute);
    char text[32] = "";
    hid_t set_id = H5Dopen2(file, "/config/ini", H5P_DEFAULT), type = H5Dget_type(set_id);
    assert_true(H5Dread(set_id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) >= 0);
    assert_string_equal(text, "[a]\nb = \xc3\xa9\n");
    H5Tclose(type);
    H5Dclose(set_id);
    H5Fclose(file);
    fed_archive_destroy(archive);
}

static fed_local_epoch_row_t row_of(size_t i) {
    return (fed_local_epoch_row_t){.round = (int64_t)i,
                                   .client = (int64_t)(2 * i),
                                   .train = {.loss = 0.5 * (double)i, .accuracy = 0.25}};
}

static void append(fed_archive_t *archive, size_t first, size_t count) {
    fed_local_epoch_row_t rows[300] = {{0}};
    for (size_t i = 0; i < count; i++)
        rows[i] = row_of(first + i);
    fed_archive_append(archive, &fed_local_epoch_table, rows, count);
}

static void assert_rows(hid_t file, size_t count) {
    hid_t set = H5Dopen2(file, fed_local_epoch_table.path, H5P_DEFAULT), space = H5Dget_space(set);
    hid_t type = H5Tget_native_type(H5Dget_type(set), H5T_DIR_ASCEND);
    assert_int_equal(H5Sget_simple_extent_npoints(space), count);
    assert_int_equal(H5Tget_size(type), sizeof(fed_local_epoch_row_t));
    fed_local_epoch_row_t *rows = calloc(count, sizeof *rows);
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows) >= 0);
    for (size_t i = 0; i < count; i++) {
        fed_local_epoch_row_t expected = row_of(i);
        assert_memory_equal(&rows[i], &expected, sizeof expected);
    }
    free(rows);
    H5Tclose(type);
    H5Sclose(space);
    H5Dclose(set);
}

static void tables_grow_and_explain_themselves(void **state) {
    (void)state;
    fed_archive_t *archive = fed_archive_create();
    fed_archive_create_table(archive, &fed_local_epoch_table);
    append(archive, 0, 0);
    append(archive, 0, 1);
    append(archive, 1, 300);
    append(archive, 301, 2);

    hid_t file = reopen(archive);
    assert_rows(file, 303);
    for (size_t c = 0; c < fed_local_epoch_table.column_count; c++) {
        const fed_column_t *column = &fed_local_epoch_table.columns[c];
        char name[64];
        snprintf(name, sizeof name, "%s.unit", column->name);
        assert_string_equal(text_attribute(file, fed_local_epoch_table.path, name), column->unit);
        snprintf(name, sizeof name, "%s.help", column->name);
        assert_string_equal(text_attribute(file, fed_local_epoch_table.path, name), column->help);
    }
    H5Fclose(file);
    fed_archive_destroy(archive);
}

static ino_t file_number(const char *path) {
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    return found.st_ino;
}

/* Published after each append: what HDF5 reads is all that was appended, with small tables and
 * large ones, and the file is a new one only when it has no room. */
static void rows_are_added_in_place(void **state) {
    (void)state;
    enum { ROUNDS = 2000 };
    const char *path = path_of("archive.h5");
    fed_archive_t *archive = fed_archive_create();
    fed_archive_create_table(archive, &fed_round_table);
    fed_archive_create_table(archive, &fed_local_epoch_table);
    size_t rows = 0, files = 0;
    ino_t before = 0;
    for (size_t round = 0; round < trials(ROUNDS); round++) {
        size_t count = 5 * (round % 3); /* also in a short test more than there is room for */
        append(archive, rows, count);
        rows += count;
        assert_ok(fed_archive_publish(archive, path, false));
        files += file_number(path) != before;
        before = file_number(path);
        if (round % 50 == 0 || round < 5) {
            hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
            assert_rows(file, rows);
            H5Fclose(file);
        }
    }
    assert_in_range(files, 2, 10);
    assert_ok(fed_archive_publish(archive, path, true));
    fed_archive_destroy(archive);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_rows(file, rows);
    hid_t set = H5Dopen2(file, fed_local_epoch_table.path, H5P_DEFAULT);
    assert_int_equal(H5Dget_storage_size(set), rows * sizeof(fed_local_epoch_row_t));
    H5Dclose(set);
    H5Fclose(file);
}

/* Others may take the file away, put another in its place, or hold the old one open. */
static void a_file_that_is_gone_is_made_again(void **state) {
    (void)state;
    const char *path = path_of("archive.h5");
    fed_archive_t *archive = fed_archive_create();
    fed_archive_create_table(archive, &fed_local_epoch_table);
    append(archive, 0, 300);
    assert_ok(fed_archive_publish(archive, path, false));
    hid_t old = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    unlink(path);
    append(archive, 300, 1);
    assert_ok(fed_archive_publish(archive, path, false));
    write_text("archive.h5.other", "another file");
    assert_int_equal(rename(path_of("archive.h5.other"), path), 0);
    append(archive, 301, 1);
    fed_archive_describe(archive, "/", "status", "with more than rows");
    assert_ok(fed_archive_publish(archive, path, false));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_rows(file, 302);
    assert_string_equal(text_attribute(file, "/", "status"), "with more than rows");
    assert_rows(old, 300);
    H5Fclose(old);
    H5Fclose(file);
    fed_archive_destroy(archive);
}

/* A command line or a list of clients may be longer than the 64 KiB of a plain attribute. */
static void long_attributes_are_kept(void **state) {
    (void)state;
    enum { LONG = 300000 };
    fed_archive_t *archive = fed_archive_create();
    FED_AUTOFREE char *text = fed_alloc(LONG + 1, 1), *again = fed_alloc(LONG + 1, 1);
    for (size_t i = 0; i < LONG; i++)
        text[i] = (char)('a' + i % 26);
    static const char *const objects[] = {"/", "/config"};
    for (size_t i = 0; i < 2; i++) {
        fed_archive_describe(archive, objects[i], "short", "first");
        fed_archive_describe(archive, objects[i], "long", text);
        fed_archive_describe(archive, objects[i], "long", text);
    }
    hid_t file = reopen(archive);
    for (size_t i = 0; i < 2; i++) {
        hid_t attribute = H5Aopen_by_name(file, objects[i], "long", H5P_DEFAULT, H5P_DEFAULT);
        hid_t type = H5Aget_type(attribute);
        assert_int_equal(H5Tget_size(type), LONG);
        assert_true(H5Aread(attribute, type, again) >= 0);
        assert_memory_equal(again, text, LONG);
        assert_string_equal(text_attribute(file, objects[i], "short"), "first");
        H5Tclose(type);
        H5Aclose(attribute);
    }
    H5Fclose(file);
    fed_archive_destroy(archive);
}

static void what_is_no_archive_is_refused(void **state) {
    (void)state;
    fed_archive_t *archive;
    assert_fails(FED_INPUT, "it.h5: not a readable HDF5 file",
                 fed_archive_open("", 0, "it.h5", &archive));
    char noise[4096];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)any_bits();
    assert_fails(FED_INPUT, "it.h5: not a readable HDF5 file",
                 fed_archive_open(noise, sizeof noise, "it.h5", &archive));
}

/* Damaged images are refused, or what they still hold is read: never a crash. */
static void damaged_images_do_no_harm(void **state) {
    (void)state;
    float values[40] = {0}, got[40];
    fed_archive_t *archive = fed_archive_create();
    fed_archive_put(archive, "/w", FED_FLOAT32, 1, (size_t[]){40}, values);
    size_t size, refused = 0, whole = 0;
    const char *image = fed_archive_view(archive, &size);
    FED_AUTOFREE char *damaged = fed_alloc(size, 1);
    for (size_t trial = 0; trial < trials(1000); trial++) {
        memcpy(damaged, image, size);
        size_t kept = trial % 4 ? size : 1 + any_below(size);
        for (size_t i = 0; i < trial % 5; i++)
            damaged[any_below(size < 4096 ? size : 4096)] ^= (char)(1 << any_below(8));
        fed_archive_t *opened;
        bool well = fed_archive_open(damaged, kept, "damaged.h5", &opened) == FED_OK;
        if (well) {
            well = fed_archive_get(opened, "/w", FED_FLOAT32, 1, (size_t[]){40}, got) == FED_OK;
            fed_archive_destroy(opened);
        }
        refused += !well;
        whole += well;
    }
    assert_true(refused > 0 && whole > 0);
    fed_archive_destroy(archive);
}

/* Measured by one process, read later by another: the file may be a new one by then. */
static void rows_of_another_shape_than_measured_are_refused(void **state) {
    (void)state;
    const int64_t numbers[2][3] = {{1, 2, 3}, {4, 5, 6}};
    fed_archive_t *archive = fed_archive_create();
    fed_archive_put(archive, "/x", FED_INT64, 2, (size_t[]){2, 3}, numbers);
    H5Fclose(reopen(archive));
    fed_archive_destroy(archive);
    fed_array_file_t *file;
    assert_ok(fed_hdf5_arrays.open(path_of("archive.h5"), &file));
    int64_t row[3] = {0};
    assert_ok(fed_hdf5_arrays.read(file, "/x", 1, 1, 3, FED_ARRAY_INT64, row));
    assert_memory_equal(row, numbers[1], sizeof row);
    assert_fails(FED_INPUT, "archive.h5: changed while it was read",
                 fed_hdf5_arrays.read(file, "/x", 1, 1, 2, FED_ARRAY_INT64, row));
    assert_fails(FED_INPUT, "archive.h5: changed while it was read",
                 fed_hdf5_arrays.read(file, "/x", 2, 1, 3, FED_ARRAY_INT64, row));
    fed_hdf5_arrays.close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(arrays_come_back),
        TEST(other_types_and_shapes_are_refused),
        TEST(descriptions_are_attributes),
        TEST(tables_grow_and_explain_themselves),
        TEST(rows_are_added_in_place),
        TEST(a_file_that_is_gone_is_made_again),
        TEST(long_attributes_are_kept),
        TEST(what_is_no_archive_is_refused),
        TEST(damaged_images_do_no_harm),
        TEST(rows_of_another_shape_than_measured_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
