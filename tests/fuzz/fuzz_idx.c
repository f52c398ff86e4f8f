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
    static const size_t value_bytes[] = {
        [FED_IDX_UINT8] = 1, [FED_IDX_INT8] = 1,    [FED_IDX_INT16] = 2,
        [FED_IDX_INT32] = 4, [FED_IDX_FLOAT32] = 4, [FED_IDX_FLOAT64] = 8};
    size_t count = 1;
    for (size_t d = 0; d < header.dimensions; d++)
        count *= header.sizes[d];
    if (count * value_bytes[header.type] > (bytes + 1) * DEFLATE_MAX_RATIO)
        abort();
    void *values = fed_alloc(count, header.type == FED_IDX_UINT8 ? 1 : sizeof(float));
    fed_idx_read_values(path, &header, header.sizes[0], values);
    fed_idx_read_values(path, &header, (header.sizes[0] + 1) / 2, values);
    fed_free(values);
    fuzz_check_memory();
    return 0;
}
