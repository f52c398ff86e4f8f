/** Random numbers as pure functions of what they are for.
 *
 * A draw is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy
 * as 1, 2, 3") of (seed; purpose, who, when, which, index). There is no
 * generator state: nothing is saved, nothing travels, and no draw depends on the
 * number of ranks or on what was drawn before.
 */
#ifndef FEDMPI_CORE_RANDOM_H
#define FEDMPI_CORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** A sequence of numbers, addressed by index. Unused fields are 0. What the fields mean is the
 * caller's: config/purposes.h has the program's own list. */
typedef struct fed_stream {
    uint64_t seed;
    uint32_t purpose; /**< what the numbers are for, below 2^8 */
    uint32_t who;
    uint32_t when;
    uint32_t which; /**< below 2^24 */
} fed_stream_t;

/** 128 uniform bits: one block. */
void fed_random_words(const fed_stream_t *stream, uint32_t index, uint32_t words[4]);

/** 64 uniform bits: the block's first two words. */
uint64_t fed_random_bits(const fed_stream_t *stream, uint32_t index);

/** Uniform in [0, 1), 53 bits. */
double fed_random_uniform(const fed_stream_t *stream, uint32_t index);

/** Uniform in 0 .. bound-1 (bias below 2^-32); bound at least 1. */
uint32_t fed_random_below(const fed_stream_t *stream, uint32_t index, uint32_t bound);

/** Permute values[count] in place, every order equally likely (Fisher and Yates). */
void fed_random_permute(const fed_stream_t *stream, uint32_t *values, size_t count);

#endif
