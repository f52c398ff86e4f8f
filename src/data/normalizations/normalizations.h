/* Normalisations: how stored values become features. One const struct each, and its name in the
 * list below. A feature is scale * (stored value) + shift, with one scale and shift
 * for each channel. */
#ifndef FEDMPI_DATA_NORMALIZATIONS_NORMALIZATIONS_H
#define FEDMPI_DATA_NORMALIZATIONS_NORMALIZATIONS_H

#include "data/clean.h"

/* One channel of the stored samples. */
typedef struct fed_channel {
    const fed_block_header_t *header;
    const fed_raw_samples_t *train; /* of header->shape.type, [train_count][features] */
    size_t first, count;            /* its columns: [first, first + count) */
} fed_channel_t;

typedef struct fed_normalization {
    fed_plugin_t plugin;

    /* It measures all training samples: does not go with those that are generated. */
    bool measures;

    /* Optional: once for a data set, what the user should know of it. */
    void (*look)(const fed_config_t *config, const fed_block_header_t *header,
                 const fed_raw_samples_t *train);

    /* Optional: NULL leaves values as they are.
     * @param scale, shift  [in,out] 1 and 0 */
    void (*measure)(const fed_channel_t *channel, float *scale, float *shift);
} fed_normalization_t;

/* The table behind data.normalize. */
extern const fed_plugin_table_t fed_normalizations;

#define FED_NORMALIZATIONS(each)                                                                   \
    each(fed_normalization_unit), each(fed_normalization_standard), each(fed_normalization_none)

extern const fed_normalization_t FED_NORMALIZATIONS(FED_PLUGIN_ITSELF);

/* The one that the configuration names. */
const fed_normalization_t *fed_normalization_of(const fed_config_t *config);

/* Set the header's scale and shift from data.normalize and the training samples. */
void fed_normalize(const fed_config_t *config, fed_block_header_t *header,
                   const fed_raw_samples_t *train);

#endif
