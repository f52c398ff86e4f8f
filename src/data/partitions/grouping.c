/* Grouping samples by client. */
#include "grouping.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/sort.h"

/* (client, sample) of the samples that have one, sorted. */
static size_t sort_pairs(const fed_labels_t *labels, uint64_t *pairs) {
    size_t count = 0;
    for (size_t i = 0; i < labels->count; i++)
        if (labels->client_of[i] >= 0)
            pairs[count++] = (uint64_t)labels->client_of[i] << 32 | i;
    fed_sort_uint64(pairs, count);
    return count;
}

static size_t count_groups(const uint64_t *pairs, size_t count) {
    size_t groups = 0;
    for (size_t i = 0; i < count; i++)
        groups += i == 0 || pairs[i] >> 32 != pairs[i - 1] >> 32;
    return groups;
}

fed_status_t fed_group_by_client(const fed_config_t *config, const fed_labels_t *labels,
                                 fed_partition_t *partition) {
    FED_AUTOFREE uint64_t *pairs = FED_NEW_ARRAY(uint64_t, labels->count);
    size_t count = sort_pairs(labels, pairs), groups = count_groups(pairs, count);
    size_t clients = (size_t)fed_partition_options(config)->clients;
    size_t each = (size_t)fed_partition_options(config)->samples_per_client;
    if (groups == 0 || clients > groups)
        return fed_config_fail(config, "partition.clients",
                               "the training samples name %zu clients; 0 takes all", groups);
    partition->clients = clients > 0 ? clients : groups;
    partition->first = FED_NEW_ARRAY(size_t, partition->clients + 1);
    partition->samples = FED_NEW_ARRAY(uint32_t, count);
    size_t k = 0, dealt = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && pairs[i] >> 32 != pairs[i - 1] >> 32 && ++k == partition->clients)
            break;
        if (each == 0 || dealt - partition->first[k] < each)
            partition->samples[dealt++] = (uint32_t)pairs[i];
        partition->first[k + 1] = dealt;
    }
    return FED_OK;
}
