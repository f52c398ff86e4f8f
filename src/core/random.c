/* Draws from Random123's Philox4x32-10. */
#include "fedmpi/core/random.h"

#include <Random123/philox.h>

void fed_random_words(const fed_stream_t *stream, uint32_t index, uint32_t words[4]) {
    const philox4x32_key_t key = {{(uint32_t)stream->seed, (uint32_t)(stream->seed >> 32)}};
    const philox4x32_ctr_t counter = {
        {index, stream->who, stream->when, stream->purpose << 24 | stream->which}};
    const philox4x32_ctr_t drawn = philox4x32(counter, key);
    for (size_t i = 0; i < 4; i++)
        words[i] = drawn.v[i];
}

uint64_t fed_random_bits(const fed_stream_t *stream, uint32_t index) {
    uint32_t words[4];
    fed_random_words(stream, index, words);
    return (uint64_t)words[1] << 32 | words[0];
}

double fed_random_uniform(const fed_stream_t *stream, uint32_t index) {
    return (double)(fed_random_bits(stream, index) >> 11) * 0x1p-53;
}

uint32_t fed_random_below(const fed_stream_t *stream, uint32_t index, uint32_t bound) {
    return (uint32_t)((unsigned __int128)fed_random_bits(stream, index) * bound >> 64);
}

void fed_random_permute(const fed_stream_t *stream, uint32_t *values, size_t count) {
    for (size_t i = count; i > 1; i--) {
        uint32_t j = fed_random_below(stream, (uint32_t)i, (uint32_t)i);
        uint32_t swapped = values[i - 1];
        values[i - 1] = values[j];
        values[j] = swapped;
    }
}
