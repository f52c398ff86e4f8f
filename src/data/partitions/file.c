/* An explicit assignment: partition.file names a client for each training sample. The
 * leader of each node has read it beside the data set. */
#include "schemes.h"

#include "assignment.h"
#include "grouping.h"

/* Every client from 0 up must be there: else numbers in the file and in the results
 * would differ. */
static fed_status_t check_dense(const fed_config_t *config, const fed_labels_t *labels,
                                const fed_partition_t *partition) {
    for (size_t k = 0; k < partition->clients; k++) {
        int32_t client = labels->client_of[partition->samples[partition->first[k]]];
        if ((size_t)client != k)
            return fed_config_fail(config, "partition.file",
                                   "client %zu has no sample, but client %d has%s", k, client,
                                   k == 0 ? "; clients are counted from 0" : "");
    }
    return FED_OK;
}

static fed_status_t deal(const fed_config_t *config, const fed_labels_t *labels,
                         fed_partition_t *partition) {
    FED_TRY(fed_group_by_client(config, labels, partition));
    return check_dense(config, labels, partition);
}

const fed_partition_scheme_t fed_scheme_file = {
    .plugin = {.name = "file",
               .summary = "explicit: a client for each training sample in partition.file, HDF5 or "
                          "text",
               .keys = {&fed_assignment_keys}},
    .deal = deal,
    .follows_data = true,
};
