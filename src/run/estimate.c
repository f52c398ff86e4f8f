/* Memory that a run will take: vectors of the model first, then what grows with clients. */
#include "fedmpi/run/estimate.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/workers.h"
#include "fedmpi/config/experiment.h"
#include "fedmpi/fl/selection.h"
#include "fedmpi/run/checkpoint.h"
#include "fedmpi/run/federation.h"
#include "fedmpi/sim/federated.h"

/* Of each participant of a round: its number, task and weight; and where it trains, with what sorts
 * all by cost, while the round lasts. */
#define PARTICIPANT_BYTES (sizeof(uint32_t) + sizeof(fed_task_t) + sizeof(double))
#define PLACE_BYTES (2 * sizeof(uint32_t) + sizeof(bool) + 5 * sizeof(size_t))
#define LIBRARY_BYTES                                                                              \
    ((size_t)5 << 20)                 /* HDF5's and MPI's, once the server has worked with them    \
                                       */
#define CLIENT_BYTES sizeof(uint32_t) /* and each client: the order in which they are drawn */

static size_t participants_of(const fed_run_t *run) {
    size_t drawn = (size_t)fed_selection_options(&run->config)->clients_per_round;
    return drawn > 0 && drawn < run->partition.clients ? drawn : run->partition.clients;
}

static size_t data_bytes(const fed_run_t *run) {
    const fed_dataset_t *data = &run->dataset;
    size_t value_bytes = data->train.type == FED_VALUES_FLOAT32 ? sizeof(float) : 1;
    size_t stored = data->train.generator ? 0 : data->train.count;
    size_t samples = stored + data->validation.count + data->test.count;
    return samples * (data->train.features * value_bytes + sizeof(int32_t)) +
           data->generated_clients * sizeof(size_t);
}

/* What every rank holds. */
static size_t common_bytes(const fed_run_t *run) {
    const size_t *lengths = run->method.slots.lengths;
    return run->machine.own_bytes + lengths[FED_OWNER_DOWN] * sizeof(float) +
           lengths[FED_OWNER_UP] * sizeof(int64_t) +
           fed_workspace_bytes(&run->model, FED_EVALUATION_BLOCK) +
           FED_EVALUATION_BLOCK * run->dataset.train.features * sizeof(float) +
           fed_partition_bytes(&run->partition) + run->partition.clients * CLIENT_BYTES +
           participants_of(run) * PARTICIPANT_BYTES;
}

/* What training takes: one client after another, and what is kept of them. */
static size_t training_bytes(const fed_run_t *run, size_t clients_here) {
    const fed_method_t *method = &run->method;
    fed_problem_t problem = fed_run_problem(run);
    size_t taking = participants_of(run), workers = (size_t)fed_comm_workers(run->comm);
    size_t taking_here = (taking + workers - 1) / workers;
    size_t separate_gradient = !fed_training_stores_gradient(&run->model, &run->config) &&
                               (method->algorithm->correct || method->algorithm->train ||
                                method->privacy.mechanism->per_sample);
    size_t kept = clients_here + taking_here; /* the round's states stand beside those before */
    return fed_training_bytes(&run->model, &run->config) +
           separate_gradient * run->model.parameters * sizeof(float) +
           fed_engine_updates_bytes(&problem, taking_here) +
           fed_engine_rows_bytes(&problem, taking_here) + taking * PLACE_BYTES +
           fed_chain_memory(&method->chain, &method->slots) +
           kept * method->slots.lengths[FED_OWNER_CLIENT] * sizeof(float);
}

/* The rows and counts that describe the partition, while they are written. */
static size_t partition_table_bytes(const fed_run_t *run) {
    size_t counts = run->dataset.train.generator ? 0 : run->dataset.classes * sizeof(int64_t);
    return run->partition.clients * (sizeof(fed_partition_row_t) + counts);
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* What brings sums to the server, if not the rule looks at everybody's updates alone. */
static size_t gather_buffer_bytes(const fed_run_t *run) {
    const fed_aggregation_t *rule = run->method.aggregation;
    bool sums = !rule->see || rule->weigh;
    bool gathers = sums && fed_comm_size(run->comm) > 1 &&
                   fed_federated_options(&run->config)->collective == FED_COLLECTIVE_GATHER;
    return gathers ? FED_GATHER_BUFFER_BYTES : 0;
}

/* The server alone. The results file is made in memory: at the start there are the initial model,
 * where it comes from and a copy of its tensors, and what describes the partition; in the end all
 * models and copies of tensors. */
static size_t server_bytes(const fed_run_t *run) {
    fed_problem_t problem = fed_run_problem(run);
    size_t model = run->model.parameters * sizeof(float), taking = participants_of(run);
    size_t models = 1 + fed_federated_options(&run->config)->enabled +
                    fed_centralized_options(&run->config)->enabled;
    size_t rows = fed_record_rows_bytes(fed_engine_rows_bytes(&problem, taking));
    size_t start = 3 * model + partition_table_bytes(run);
    size_t rounds = model + rows + fed_engine_piece_bytes(&problem) + fed_engine_window_bytes() +
                    taking * PLACE_BYTES;
    size_t end = (models + 1) * model + rows;
    return larger(start, larger(rounds, end)) + gather_buffer_bytes(run) + LIBRARY_BYTES +
           run->method.slots.lengths[FED_OWNER_SERVER] * sizeof(double);
}

/* Of the accountant, whose grid is that of the whole run. */
static size_t accountant_bytes(const fed_run_t *run) {
    fed_spending_t spending;
    fed_spending_init(&spending, &run->config, &run->method.privacy);
    if (!spending.config)
        return 0;
    fed_spending_forecast(&spending, fed_federated_options(&run->config)->rounds);
    size_t bytes = fed_accountant_bytes(spending.accountant);
    fed_spending_fini(&spending);
    return bytes;
}

fed_estimate_t fed_estimate(const fed_run_t *run, size_t clients_here) {
    const fed_config_t *config = &run->config;
    size_t common = common_bytes(run), training = training_bytes(run, clients_here);
    bool baseline = fed_centralized_options(config)->enabled;
    fed_estimate_t estimate = {
        .node_bytes = data_bytes(run),
        .client_bytes = common + training,
        .server_bytes = common + server_bytes(run) + accountant_bytes(run),
    };
    if (baseline)
        estimate.server_bytes += fed_training_bytes(&run->model, config);
    if (fed_comm_size(run->comm) == 1)
        estimate.server_bytes += training;
    else if (baseline) /* its model, which all evaluate in the end */
        estimate.client_bytes += run->model.parameters * sizeof(float);
    return estimate;
}
