/** What random numbers are drawn for: the purpose of a fed_stream_t.
 *
 * Values are part of the results: append, never renumber. The comments say what the stream's
 * other fields are; where nothing is said they are 0.
 */
#ifndef FEDMPI_CONFIG_PURPOSES_H
#define FEDMPI_CONFIG_PURPOSES_H

typedef enum fed_purpose {
    FED_RANDOM_INITIAL_WEIGHTS = 1, /**< which: number of the tensor */
    FED_RANDOM_PARTITION = 2,       /**< which: class */
    FED_RANDOM_BATCH_ORDER = 3,     /**< who: client, when: round, which: epoch */
    FED_RANDOM_PARTICIPANTS = 4,    /**< when: round */
    FED_RANDOM_AVAILABILITY = 5,    /**< when: round; index: client */
    FED_RANDOM_DROPOUT = 6,         /**< when: round; index: client */
    FED_RANDOM_BYZANTINE = 7,       /**< who is */
    FED_RANDOM_ATTACK = 8,          /**< who: client, when: round; index: parameter */
    FED_RANDOM_HOLDOUT = 9,         /**< who: client */
    FED_RANDOM_SUBSET = 32,         /**< the training samples that are dealt, and shards */
    FED_RANDOM_SHARES = 33,         /**< which: class; index: client, or the other way round */
    FED_RANDOM_PICKS = 34,          /**< who: client */
    FED_RANDOM_SHIFT = 35,          /**< who: client; how its features differ */
    FED_RANDOM_NOISE = 36,          /**< who: sample */
    FED_RANDOM_SIZES = 37,          /**< index: client */
    FED_RANDOM_CLIENT_MODEL = 38,   /**< who: client, which: 1: all; rule of synthetic labels */
    FED_RANDOM_SAMPLE = 39,         /**< who: client, when: sample; of synthetic data */
    FED_RANDOM_UNITS = 48,          /**< as BATCH_ORDER; index: sample; which units a step drops */
    FED_RANDOM_PRIVACY = 49,        /**< when: round; index: number of what is sent; the noise */
    FED_RANDOM_PRIVATE_STEP = 50,   /**< who: client, when: round, which: step of the round; the
                                         seed of its samples and of its noise, two streams more */
} fed_purpose_t;

#endif
