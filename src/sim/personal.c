/* Every client's evaluation on the rank where it would train if all did. */
#include "fedmpi/sim/personal.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/fl/personal.h"

static fed_personal_t measure_one(fed_federation_t *federation, int64_t round, uint32_t client) {
    const fed_run_t *run = federation->run;
    fed_personal_task_t task = {
        .seed = (uint64_t)run->config.experiment.seed,
        .round = (uint32_t)round,
        .client = client,
        .learning_rate = fed_learning_rate(run->method.schedule, &run->config, round),
    };
    task.samples = fed_partition_samples(&run->partition, client, &task.sample_count);
    task.held_out = fed_partition_samples(&run->held_out, client, &task.held_out_count);
    return fed_personal_measure(&task, &run->config, &federation->training, &federation->evaluator,
                                federation->w);
}

void fed_measure_personal(fed_federation_t *federation, int64_t round, fed_personal_row_t *row) {
    const fed_run_t *run = federation->run;
    size_t clients = run->partition.clients, ranks = (size_t)fed_comm_size(run->comm), here = 0;
    *row = (fed_personal_row_t){0};
    if (run->config.partition.holdout == 0)
        return;
    FED_AUTOFREE uint32_t *rank = FED_NEW_ARRAY(uint32_t, clients);
    FED_AUTOFREE size_t *counts = FED_NEW_ARRAY(size_t, ranks);
    fed_federation_place_all(run, rank);
    for (size_t k = 0; k < clients; k++)
        counts[rank[k]]++;
    FED_AUTOFREE fed_personal_t *own =
        FED_NEW_ARRAY(fed_personal_t, counts[fed_comm_rank(run->comm)]);
    FED_AUTOFREE fed_personal_t *all =
        FED_NEW_ARRAY(fed_personal_t, federation->server ? clients : 0);
    for (size_t k = 0; k < clients; k++)
        if (rank[k] == (uint32_t)fed_comm_rank(run->comm))
            own[here++] = measure_one(federation, round, (uint32_t)k);
    fed_comm_gather_rows(run->comm, own, counts, sizeof *own, all);
    if (federation->server)
        *row = fed_personal_summarize(round, all, clients);
}
