/** Transforms: features that differ from client to client while labels keep their meaning.
 *
 * A sample is changed when it is decoded, always in the same way: what changes it is a
 * function of the seed, its client and its position. The stored data stay as they are,
 * and so does what nobody holds: test and validation samples.
 */
#ifndef FEDMPI_DATA_TRANSFORM_H
#define FEDMPI_DATA_TRANSFORM_H

#include "fedmpi/data/dataset.h"
#include "fedmpi/data/partition.h"

typedef struct fed_transform fed_transform_t;

/** Rotation, intensity and noise as [partition] feature_... say; `dataset` and
 * `partition` are only looked at here, but for the dataset's block.
 * FED_INPUT when nothing is to change, or what are not images should turn. */
fed_status_t fed_transform_create(const fed_config_t *config, const fed_dataset_t *dataset,
                                  const fed_partition_t *partition, fed_transform_t **transform);

/** NULL is fine. */
void fed_transform_destroy(fed_transform_t *transform);

/** Change one decoded sample of the training set.
 * @param x  [in,out] [features] */
void fed_transform_apply(const fed_transform_t *transform, size_t index, float *x);

/** The keys partition.feature_..., for schemes that change features. */
extern const fed_key_group_t fed_transform_keys;

#endif
