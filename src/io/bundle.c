/* Named arrays in a block. */
#include "fedmpi/io/bundle.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"

#include <assert.h>
#include <string.h>

#define PAD 8
#define LONGEST_NAME 256

typedef struct record {
    uint32_t name_bytes; /* without padding */
    uint32_t element;
    uint64_t count;
} record_t;

/* One record of a block: pointers into it. */
typedef struct entry {
    record_t head;
    const char *name; /* not terminated */
    const unsigned char *data;
    size_t next; /* where the next record starts */
} entry_t;

static size_t padded(size_t bytes) {
    return (bytes + PAD - 1) / PAD * PAD;
}

static size_t element_bytes(uint32_t element) {
    static const size_t bytes[] = {
        [FED_FLOAT32] = 4, [FED_FLOAT64] = 8, [FED_INT64] = 8, [FED_UINT32] = 4, [FED_BYTE] = 1,
    };
    return element < sizeof bytes / sizeof *bytes ? bytes[element] : 0;
}

static unsigned char *extend_by(fed_bundle_t *bundle, size_t bytes) {
    size_t needed = bundle->bytes + bytes;
    if (needed > bundle->capacity) {
        size_t capacity = needed + needed / 2;
        bundle->block = fed_grow(bundle->block, bundle->bytes, capacity, 1);
        bundle->capacity = capacity;
    }
    unsigned char *at = bundle->block + bundle->bytes;
    bundle->bytes = needed;
    return at;
}

static unsigned char *extend(fed_bundle_t *bundle, size_t bytes) {
    return extend_by(bundle, padded(bytes));
}

static void put_head(fed_bundle_t *bundle, const char *name, fed_element_t element, size_t count) {
    record_t head = {(uint32_t)strlen(name), element, count};
    memcpy(extend(bundle, sizeof head), &head, sizeof head);
    memcpy(extend(bundle, head.name_bytes), name, head.name_bytes);
}

void fed_bundle_put(fed_bundle_t *bundle, const char *name, fed_element_t element, size_t count,
                    const void *data) {
    put_head(bundle, name, element, count);
    size_t bytes = count * element_bytes(element);
    unsigned char *at = extend(bundle, bytes);
    if (bytes > 0)
        memcpy(at, data, bytes);
}

void fed_bundle_lend(fed_bundle_t *bundle, const char *name, fed_element_t element, size_t count,
                     const void *data) {
    assert(bundle->loan_count < FED_BUNDLE_LOANS);
    put_head(bundle, name, element, count);
    size_t bytes = count * element_bytes(element), rest = padded(bytes) - bytes;
    bundle->loans[bundle->loan_count++] = (fed_loan_t){bundle->bytes, data, bytes};
    memset(extend_by(bundle, rest), 0, rest);
}

size_t fed_bundle_pieces(const fed_bundle_t *bundle, struct iovec *pieces) {
    size_t count = 0, at = 0;
    for (size_t i = 0; i < bundle->loan_count; i++) {
        const fed_loan_t *loan = &bundle->loans[i];
        pieces[count++] = (struct iovec){bundle->block + at, loan->at - at};
        pieces[count++] = (struct iovec){(void *)loan->data, loan->bytes};
        at = loan->at;
    }
    pieces[count++] = (struct iovec){bundle->block + at, bundle->bytes - at};
    return count;
}

/* "round:i loss:r ...": rows with other columns are other rows. */
static char *describe_columns(const fed_table_t *table) {
    fed_text_t text = {0};
    for (size_t c = 0; c < table->column_count; c++)
        fed_text_append(&text, "%s:%c ", table->columns[c].name,
                        table->columns[c].type == FED_COLUMN_INTEGER ? 'i' : 'r');
    return text.chars;
}

void fed_bundle_put_rows(fed_bundle_t *bundle, const fed_table_t *table, const void *rows,
                         size_t count) {
    FED_AUTOFREE char *columns = describe_columns(table);
    FED_AUTOFREE char *name = fed_format("%s:columns", table->path);
    fed_bundle_put(bundle, name, FED_BYTE, strlen(columns), columns);
    fed_bundle_put(bundle, table->path, FED_BYTE, count * table->row_bytes, rows);
}

/* The record that starts at `at`; false if it does not lie inside the block. */
static bool read_entry(const fed_bundle_t *bundle, size_t at, entry_t *entry) {
    size_t left = bundle->bytes - at;
    if (left < sizeof entry->head)
        return false;
    memcpy(&entry->head, bundle->block + at, sizeof entry->head);
    left -= sizeof entry->head;
    size_t name_bytes = padded(entry->head.name_bytes), size = element_bytes(entry->head.element);
    if (entry->head.name_bytes > LONGEST_NAME || name_bytes > left || size == 0)
        return false;
    left -= name_bytes;
    if (entry->head.count > left / size || padded(entry->head.count * size) > left)
        return false;
    entry->name = (const char *)bundle->block + at + sizeof entry->head;
    entry->data = bundle->block + at + sizeof entry->head + name_bytes;
    entry->next = at + sizeof entry->head + name_bytes + padded(entry->head.count * size);
    return true;
}

fed_status_t fed_bundle_open(fed_bundle_t *bundle, void *block, size_t bytes) {
    *bundle = (fed_bundle_t){.block = block, .bytes = bytes, .capacity = bytes};
    entry_t entry;
    for (size_t at = 0; at < bytes; at = entry.next)
        if (!read_entry(bundle, at, &entry))
            return fed_fail(FED_INPUT, "checkpoint: damaged at byte %zu of %zu", at, bytes);
    return FED_OK;
}

/* The first array of this name and type from *at on, which moves behind it. */
static const void *find_from(const fed_bundle_t *bundle, size_t *at, const char *name,
                             fed_element_t element, size_t *count) {
    entry_t entry;
    size_t length = strlen(name);
    for (; *at < bundle->bytes; *at = entry.next) {
        if (!read_entry(bundle, *at, &entry))
            return NULL;
        if (entry.head.name_bytes == length && memcmp(entry.name, name, length) == 0 &&
            entry.head.element == (uint32_t)element) {
            *count = entry.head.count;
            *at = entry.next;
            return entry.data;
        }
    }
    return NULL;
}

const void *fed_bundle_find(const fed_bundle_t *bundle, const char *name, fed_element_t element,
                            size_t *count) {
    size_t at = 0;
    return find_from(bundle, &at, name, element, count);
}

fed_status_t fed_bundle_get(const fed_bundle_t *bundle, const char *name, fed_element_t element,
                            size_t count, void *data) {
    size_t there = 0;
    const void *found = fed_bundle_find(bundle, name, element, &there);
    if (!found || there != count)
        return fed_fail(FED_INPUT, "checkpoint: has %zu of %zu values of %s", there, count, name);
    memcpy(data, found, count * element_bytes(element));
    return FED_OK;
}

fed_status_t fed_bundle_next_rows(const fed_bundle_t *bundle, const fed_table_t *table, size_t *at,
                                  const void **rows, size_t *count) {
    FED_AUTOFREE char *columns = describe_columns(table);
    FED_AUTOFREE char *name = fed_format("%s:columns", table->path);
    size_t length = 0, bytes = 0;
    *count = 0;
    const void *found = find_from(bundle, at, name, FED_BYTE, &length);
    if (!found)
        return FED_OK;
    *rows = find_from(bundle, at, table->path, FED_BYTE, &bytes);
    if (length != strlen(columns) || memcmp(found, columns, length) != 0 || !*rows || bytes == 0 ||
        bytes % table->row_bytes != 0)
        return fed_fail(FED_INPUT, "checkpoint: no table %s with the columns of this version",
                        table->path);
    *count = bytes / table->row_bytes;
    return FED_OK;
}

void fed_bundle_fini(fed_bundle_t *bundle) {
    fed_free(bundle->block);
    *bundle = (fed_bundle_t){0};
}
