/* Setting up and taking down what a rank holds for the rounds. */
#include "fedmpi/sim/federation.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/nodes.h"
#include "fedmpi/comm/shared.h"
#include "fedmpi/core/file.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/run/checkpoint.h"

#include <string.h>

static void server_init(fed_federation_t *federation) {
    fed_run_t *run = federation->run;
    const fed_config_t *config = &run->config;
    fed_server_t *server = federation->server = FED_NEW(fed_server_t);
    server->up = FED_NEW_ARRAY(double, run->method.slots.lengths[FED_OWNER_UP]);
    server->own = FED_NEW_ARRAY(double, run->method.slots.lengths[FED_OWNER_SERVER]);
    fed_method_start(&run->method, config, server->own);
    memcpy(federation->w, run->initial, run->model.parameters * sizeof *federation->w);
    if (!config->centralized.enabled)
        return;
    size_t count = config->centralized.data == FED_CENTRALIZED_ALL
                       ? run->dataset.train.count
                       : fed_partition_total(&run->partition);
    FED_AUTOFREE uint32_t *samples = NULL;
    if (config->centralized.data == FED_CENTRALIZED_ALL) {
        samples = FED_NEW_ARRAY(uint32_t, count);
        for (size_t i = 0; i < count; i++)
            samples[i] = (uint32_t)i;
    } else {
        samples = fed_partition_pool(&run->partition);
    }
    fed_centralized_init(&server->centralized, config, &run->dataset, &run->model, samples, count,
                         run->initial);
}

/* Local epochs of all tracked clients in a round. */
static size_t tracked_epochs(const fed_run_t *run) {
    size_t epochs = 0;
    for (size_t k = 0; k < run->partition.clients; k++)
        if (fed_is_tracked(&run->config, (uint32_t)k))
            epochs += (size_t)fed_client_epochs(run->method.algorithm, &run->config,
                                                fed_partition_count(&run->partition, k));
    return epochs;
}

static void allocate(fed_federation_t *federation) {
    fed_run_t *run = federation->run;
    const fed_config_t *config = &run->config;
    size_t clients = run->partition.clients;
    size_t ranks = (size_t)fed_comm_size(run->comm);
    const size_t *lengths = run->method.slots.lengths;
    federation->w = FED_NEW_ARRAY(float, lengths[FED_OWNER_DOWN]);
    federation->sums = FED_NEW_ARRAY(int64_t, lengths[FED_OWNER_UP]);
    fed_selection_init(&federation->selection, config, run->method.sampler, &run->partition);
    size_t participants = federation->selection.capacity;
    federation->rank_of = FED_NEW_ARRAY(uint32_t, participants);
    federation->queue = FED_NEW_ARRAY(uint32_t, participants);
    federation->client_rows = FED_NEW_ARRAY(size_t, 2 * ranks); /* both travel together */
    federation->epoch_rows = federation->client_rows + ranks;
    federation->clients = FED_NEW_ARRAY(fed_client_row_t, participants);
    federation->local_epochs = FED_NEW_ARRAY(fed_local_epoch_row_t, tracked_epochs(run));
    fed_evaluator_init(&federation->evaluator, &run->model);
    federation->blocks = fed_shared_create(run->comm, sizeof(uint64_t));
    if (ranks == 1 || !fed_comm_is_server(run->comm))
        fed_training_init(&federation->training, &run->model, &run->dataset.train, config);
    fed_byzantine_init(&federation->byzantine, config, run->method.attack, clients);
    fed_states_init(&federation->states, clients, lengths[FED_OWNER_CLIENT]);
    if (lengths[FED_OWNER_CLIENT] > 0) { /* a client stays where its state is */
        federation->home = FED_NEW_ARRAY(uint32_t, clients);
        fed_federation_place_all(run, federation->home);
    } else if (!fed_aggregation_is_single(
                   run->method.aggregation)) { /* rows are where they have room */
        federation->turns = fed_shared_create(run->comm, sizeof(uint64_t));
    }
}

/* With --overwrite the earlier run's checkpoint goes before its results do. */
static fed_status_t publish_first(fed_federation_t *federation) {
    if (federation->run->options->overwrite)
        fed_checkpoint_discard(federation->run);
    return fed_record_publish(&federation->server->record, false);
}

/* A results file that is there already stays until a round adds to it. */
static fed_status_t start_or_resume(fed_federation_t *federation, const char *hosts) {
    fed_server_t *server = federation->server;
    bool resumed = false;
    if (!server)
        return FED_OK;
    fed_record_create(&server->record, federation->run, hosts);
    if (federation->run->options->resume)
        FED_TRY(fed_checkpoint_load(federation, &resumed));
    if (federation->complete || (resumed && fed_file_exists(federation->run->config.output.file)))
        return FED_OK;
    return publish_first(federation);
}

fed_status_t fed_federation_init(fed_federation_t *federation, fed_run_t *run) {
    *federation = (fed_federation_t){.run = run};
    allocate(federation);
    if (fed_comm_is_server(run->comm))
        server_init(federation);
    FED_AUTOFREE char *hosts = fed_comm_hosts(run->comm);
    FED_TRY(fed_comm_agree(run->comm, start_or_resume(federation, hosts), NULL, NULL));
    fed_checkpoint_spread(federation);
    if (!federation->server)
        return FED_OK;
    fed_limit_init(&federation->server->limit, &run->config, run->started);
    fed_progress_init(&federation->server->progress, federation->rounds_done + 1,
                      run->config.federated.rounds);
    return FED_OK;
}

static void server_fini(fed_server_t *server) {
    fed_bundle_fini(&server->loaded);
    fed_record_fini(&server->record);
    if (server->centralized.rows)
        fed_centralized_fini(&server->centralized);
    fed_free(server->up);
    fed_free(server->own);
    fed_free(server);
}

void fed_federation_fini(fed_federation_t *federation) {
    if (federation->server)
        server_fini(federation->server);
    fed_states_fini(&federation->states);
    fed_byzantine_fini(&federation->byzantine);
    fed_free(federation->rows);
    if (federation->training.model)
        fed_training_fini(&federation->training);
    fed_shared_destroy(federation->blocks);
    fed_evaluator_fini(&federation->evaluator);
    fed_selection_fini(&federation->selection);
    fed_free(federation->home);
    fed_free(federation->rank_of);
    fed_free(federation->queue);
    fed_shared_destroy(federation->turns);
    fed_free(federation->client_rows);
    fed_free(federation->clients);
    fed_free(federation->local_epochs);
    fed_free(federation->w);
    fed_free(federation->sums);
}
