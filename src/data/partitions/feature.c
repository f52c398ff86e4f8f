/* Feature skew: everybody's labels, but each client's own way to see them. Shares are
 * those of iid; samples are changed when they are decoded, see transform.h.
 *
 * Noise of client k of K has the deviation feature_noise * k / K, k = 1 .. K: Li et al.
 * 2021, "Federated learning on non-IID data silos" (arXiv 2102.02079), section IV-B. A
 * rotation of each client's own is the usual covariate shift of images, for example in
 * Ghosh et al. 2020, "An efficient framework for clustered federated learning" (IFCA);
 * intensity is the gain of a camera or scanner. */
#include "schemes.h"

#include "fedmpi/data/transform.h"

static fed_status_t deal(const fed_config_t *config, const fed_labels_t *labels,
                         fed_partition_t *partition) {
    return fed_scheme_iid.deal(config, labels, partition);
}

const fed_partition_scheme_t fed_scheme_feature = {
    .plugin = {.name = "feature",
               .summary = "feature skew: iid shares, turned, scaled or noisy in each client's own "
                          "way (Li et al. 2021)",
               .keys = {&fed_transform_keys, &fed_iid_keys}},
    .deal = deal,
    .shifts_features = true,
};
