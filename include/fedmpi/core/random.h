/** Random numbers as pure functions of what they are for.
 *
 * A draw is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy
 * as 1, 2, 3") of (seed; purpose, client, round, epoch, index). There is no
 * generator state: nothing is saved, nothing travels, and no draw depends on the
 * number of ranks or on what was drawn before.
 */
#ifndef FEDMPI_CORE_RANDOM_H
#define FEDMPI_CORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** What a number is for. Values are part of the results: append, never renumber. */
typedef enum fed_purpose {
    FED_RANDOM_INITIAL_WEIGHTS = 1, /**< epoch: number of the tensor */
    FED_RANDOM_PARTITION = 2,       /**< epoch: class */
    FED_RANDOM_BATCH_ORDER = 3,     /**< client, round, epoch */
    FED_RANDOM_PARTICIPANTS = 4,    /**< round */
    FED_RANDOM_AVAILABILITY = 5,    /**< round; index: client */
    FED_RANDOM_DROPOUT = 6,         /**< round; index: client */
    FED_RANDOM_BYZANTINE = 7,       /**< who is */
    FED_RANDOM_HOLDOUT = 9,         /**< client */
    FED_RANDOM_ATTACK = 8,          /**< client, round; index: parameter */
    FED_RANDOM_SUBSET = 32,         /**< the training samples that are dealt, and shards */
    FED_RANDOM_SHARES = 33,         /**< epoch: class; index: client, or the other way round */
    FED_RANDOM_PICKS = 34,          /**< client */
    FED_RANDOM_SHIFT = 35,          /**< client: how a client's features differ */
    FED_RANDOM_NOISE = 36,          /**< client: sample */
    FED_RANDOM_SIZES = 37,          /**< index: client */
    FED_RANDOM_CLIENT_MODEL = 38,   /**< client: the rule behind its synthetic labels */
    FED_RANDOM_SAMPLE = 39,         /**< client, round: sample; of synthetic data */
    FED_RANDOM_UNITS = 48,          /**< client, round, epoch: sample; which units a step drops */
} fed_purpose_t;

/** A sequence of numbers, addressed by index. Unused fields are 0. */
typedef struct fed_stream {
    uint64_t seed;
    fed_purpose_t purpose;
    uint32_t client;
    uint32_t round;
    uint32_t epoch; /**< below 2^24 */
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
