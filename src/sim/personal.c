/* Every client's evaluation on the rank where it would train if all did. */
#include "handle.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/config/experiment.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/fl/personal.h"
#include "fedmpi/sim/placement.h"

static fed_personal_t measure_one(fed_engine_t *engine, int64_t round, uint32_t client,
                                  const float *w) {
    const fed_problem_t *problem = engine->problem;
    fed_personal_task_t task = {
        .seed = fed_seed(problem->config),
        .round = (uint32_t)round,
        .client = client,
        .learning_rate = fed_learning_rate(problem->method->schedule, problem->config, round),
    };
    task.samples = fed_partition_samples(problem->partition, client, &task.sample_count);
    task.holdout = fed_partition_samples(problem->holdout, client, &task.holdout_count);
    return fed_personal_measure(&task, problem->config, &engine->training, &engine->evaluator, w);
}

void fed_engine_evaluate_personal(fed_engine_t *engine, int64_t round, const float *w,
                                  fed_personal_row_t *row) {
    const fed_problem_t *problem = engine->problem;
    size_t clients = problem->partition->clients, ranks = (size_t)fed_comm_size(engine->comm),
           here = 0;
    *row = (fed_personal_row_t){0};
    if (fed_partition_options(problem->config)->holdout == 0)
        return;
    FED_AUTOFREE uint32_t *rank = FED_NEW_ARRAY(uint32_t, clients);
    FED_AUTOFREE size_t *counts = FED_NEW_ARRAY(size_t, ranks);
    fed_placement_all(engine->comm, problem, rank);
    for (size_t k = 0; k < clients; k++)
        counts[rank[k]]++;
    FED_AUTOFREE fed_personal_t *own =
        FED_NEW_ARRAY(fed_personal_t, counts[fed_comm_rank(engine->comm)]);
    FED_AUTOFREE fed_personal_t *all =
        FED_NEW_ARRAY(fed_personal_t, fed_comm_is_server(engine->comm) ? clients : 0);
    for (size_t k = 0; k < clients; k++)
        if (rank[k] == (uint32_t)fed_comm_rank(engine->comm))
            own[here++] = measure_one(engine, round, (uint32_t)k, w);
    fed_comm_gather_rows(engine->comm, own, counts, sizeof *own, all);
    if (fed_comm_is_server(engine->comm))
        *row = fed_personal_summarize(round, all, clients);
}
