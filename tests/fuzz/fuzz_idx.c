/* The IDX reader, plain and gzipped: a header is believed as far as the file bears it
 * out, so that no allocation is larger than that. */
#include "input.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/data/idx.h"

#include <stdlib.h>

#define DEFLATE_MAX_RATIO 1032

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    const char *path = fuzz_file(data, bytes);
    fed_idx_header_t header;
    if (fed_idx_read_header(path, &header) != FED_OK)
        return 0;
    size_t row = header.type == FED_IDX_FLOAT32 ? 4 : 1;
    for (size_t d = 1; d < header.dimensions; d++)
        row *= header.sizes[d];
    if (row * header.sizes[0] > (bytes + 1) * DEFLATE_MAX_RATIO)
        abort();
    void *values = fed_alloc(header.sizes[0], row);
    fed_idx_read_values(path, &header, header.sizes[0], values);
    fed_idx_read_values(path, &header, (header.sizes[0] + 1) / 2, values);
    fed_free(values);
    fuzz_check_memory();
    return 0;
}
