/* The round loop. Read run_round first, at the end: the rest is its steps, in order. */
#include "fedmpi/sim/federated.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/watchdog.h"
#include "fedmpi/comm/workers.h"
#include "fedmpi/core/clock.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/stop.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/run/checkpoint.h"
#include "fedmpi/run/summary.h"
#include "fedmpi/sim/personal.h"
#include "fedmpi/sim/single.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Samples that the round's participants hold together. */
static size_t participating_samples(const fed_federation_t *federation) {
    size_t total = 0;
    for (size_t i = 0; i < federation->selection.count; i++)
        total += fed_partition_count(&federation->run->partition, federation->selection.chosen[i]);
    return total;
}

/* The same as a share of the whole federation, as federated.weighting weighs clients. */
static double participating_share(const fed_federation_t *federation) {
    const fed_partition_t *partition = &federation->run->partition;
    if (federation->run->config.federated.weighting == FED_WEIGHT_SAMPLES)
        return (double)participating_samples(federation) / (double)fed_partition_total(partition);
    return (double)federation->selection.count / (double)partition->clients;
}

static fed_status_t train_one(fed_federation_t *federation, int64_t round, uint32_t client,
                              size_t total_samples, fed_client_row_t *row,
                              fed_local_epoch_row_t *epoch_rows) {
    const fed_config_t *config = &federation->run->config;
    fed_client_task_t task = {
        .seed = (uint64_t)config->experiment.seed,
        .round = (uint32_t)round,
        .client = client,
    };
    task.samples = fed_partition_samples(&federation->run->partition, client, &task.count);
    if (config->federated.weighting == FED_WEIGHT_UNIFORM)
        task.weight = 1.0 / (double)federation->selection.count;
    else if (total_samples > 0)
        task.weight = (double)task.count / (double)total_samples;
    fed_trainer_t trainer = {
        .config = config,
        .method = &federation->run->method,
        .training = &federation->training,
        .states = &federation->states,
        .down = federation->w,
        .sums = federation->sums,
        .row = fed_single_row(federation, (size_t)(row - federation->clients)),
        .byzantine = &federation->byzantine,
    };
    fed_tracking_t tracking = {&federation->evaluator, &federation->run->dataset.test, epoch_rows};
    fed_status_t status = fed_client_train(&trainer, &task, epoch_rows ? &tracking : NULL, row);
    row->rank = fed_comm_rank(federation->run->comm);
    bool skipped =
        status == FED_DIVERGED && config->federated.on_divergence == FED_DIVERGENCE_SKIPS;
    return skipped ? FED_OK : status;
}

static size_t sums_count(const fed_federation_t *federation) {
    return federation->run->method.slots.lengths[FED_OWNER_UP];
}

/* How many rows this rank has made, told to all when all have trained. */
static void count_rows(fed_federation_t *federation, size_t clients, size_t epochs) {
    size_t ranks = (size_t)fed_comm_size(federation->run->comm);
    size_t rank = (size_t)fed_comm_rank(federation->run->comm);
    memset(federation->client_rows, 0, 2 * ranks * sizeof *federation->client_rows);
    federation->client_rows[rank] = clients;
    federation->epoch_rows[rank] = epochs;
}

/* This rank's clients, one after another, in one model's memory. */
static fed_status_t train_clients(fed_federation_t *federation, int64_t round) {
    const fed_run_t *run = federation->run;
    size_t total_samples = participating_samples(federation);
    fed_client_row_t *row = federation->clients;
    fed_local_epoch_row_t *epoch_rows = federation->local_epochs;
    fed_single_begin(federation);
    memset(federation->sums, 0, sums_count(federation) * sizeof *federation->sums);
    for (size_t trained = 0, i; fed_federation_next(federation, round, trained, &i); trained++) {
        uint32_t client = federation->selection.chosen[i];
        if (federation->server) /* alone, it never waits: its sign of life comes here */
            fed_progress_tick(&federation->server->progress, round, NULL);
        bool tracked = fed_is_tracked(&run->config, client);
        FED_TRY(train_one(federation, round, client, total_samples, row++,
                          tracked ? epoch_rows : NULL));
        if (tracked)
            epoch_rows +=
                fed_client_epochs(run->method.algorithm, &run->config, (size_t)row[-1].samples);
        if (federation->server) /* the only rank: nobody waits and shows it meanwhile */
            fed_progress_tick(&federation->server->progress, round, NULL);
    }
    count_rows(federation, (size_t)(row - federation->clients),
               (size_t)(epoch_rows - federation->local_epochs));
    return FED_OK;
}

bool fed_server_works(fed_server_t *server, int64_t round) {
    fed_centralized_t *central = server->centralized.rows ? &server->centralized : NULL;
    fed_progress_tick(&server->progress, round, central);
    return central && fed_centralized_advance(central);
}

static bool work_while_waiting(void *context) {
    const fed_federation_t *federation = context;
    return fed_server_works(federation->server, federation->rounds_done + 1);
}

/* All have trained, or all learn who could not. */
static fed_status_t wait_for_all(fed_federation_t *federation, fed_status_t mine) {
    fed_server_t *server = federation->server;
    if (server && server->status > mine)
        mine = server->status;
    if (mine == FED_OK)
        mine = fed_stop_status();
    return fed_comm_agree(federation->run->comm, mine, server ? work_while_waiting : NULL,
                          federation);
}

static int by_client_and_epoch(const void *a, const void *b) {
    const fed_local_epoch_row_t *left = a, *right = b;
    if (left->client != right->client)
        return left->client < right->client ? -1 : 1;
    return (left->epoch > right->epoch) - (left->epoch < right->epoch);
}

static int by_client(const void *a, const void *b) {
    const fed_client_row_t *left = a, *right = b;
    return (left->client > right->client) - (left->client < right->client);
}

static size_t sum(const size_t *counts, size_t count) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += counts[i];
    return total;
}

/* What this rank recorded of its clients goes to the server, which sorts it. */
static void gather_rows(fed_federation_t *federation) {
    const fed_comm_t *comm = federation->run->comm;
    size_t ranks = (size_t)fed_comm_size(comm);
    size_t epochs = sum(federation->epoch_rows, ranks);
    size_t clients = federation->selection.count;
    FED_AUTOFREE fed_client_row_t *all = FED_NEW_ARRAY(fed_client_row_t, clients);
    FED_AUTOFREE fed_local_epoch_row_t *all_epochs = FED_NEW_ARRAY(fed_local_epoch_row_t, epochs);
    fed_comm_gather_rows(comm, federation->clients, federation->client_rows, sizeof *all, all);
    fed_comm_gather_rows(comm, federation->local_epochs, federation->epoch_rows, sizeof *all_epochs,
                         all_epochs);
    if (!federation->server)
        return;
    qsort(all, clients, sizeof *all, by_client);
    qsort(all_epochs, epochs, sizeof *all_epochs, by_client_and_epoch);
    memcpy(federation->clients, all, clients * sizeof *all);
    memcpy(federation->local_epochs, all_epochs, epochs * sizeof *all_epochs);
}

void fed_gather_sums(fed_federation_t *federation) {
    fed_comm_t *comm = federation->run->comm;
    fed_server_t *server = federation->server;
    if (federation->run->config.federated.collective == FED_COLLECTIVE_GATHER)
        fed_comm_gather_sums(comm, federation->sums, sums_count(federation));
    else
        fed_comm_reduce_sums(comm, federation->sums, sums_count(federation));
    if (server)
        fed_fixed_decode_double(sums_count(federation), federation->sums, server->up);
}

static void gather_updates(fed_federation_t *federation) {
    size_t ranks = (size_t)fed_comm_size(federation->run->comm);
    fed_comm_largest(federation->run->comm, federation->client_rows, 2 * ranks);
    gather_rows(federation);
    if (fed_aggregation_is_single(federation->run->method.aggregation))
        fed_single_aggregate(federation);
    else
        fed_gather_sums(federation);
}

/* The rows of clients that did not diverge, to averaged[]; their number.
 * @param factor [out] what their weights grow by, so that they sum to one again */
static size_t leave_out_diverged(const fed_federation_t *federation, fed_client_row_t *averaged,
                                 double *factor) {
    bool by_samples = federation->run->config.federated.weighting == FED_WEIGHT_SAMPLES;
    size_t count = 0;
    int64_t all = 0, left = 0;
    for (size_t i = 0; i < federation->selection.count; i++) {
        const fed_client_row_t *client = &federation->clients[i];
        int64_t weight = by_samples ? client->samples : 1;
        all += weight;
        if (client->diverged) {
            fed_warn("round %lld: client %lld diverged and is left out", (long long)client->round,
                     (long long)client->client);
            continue;
        }
        left += weight;
        averaged[count++] = *client;
    }
    *factor = left > 0 ? (double)all / (double)left : 1;
    return count;
}

/* Weights were fixed before training; a client that diverged added nothing, and the exact
 * sum of the others is scaled once, here: the same bits on any ranks. Rules that look at
 * single updates have no weights. */
static void renormalize(fed_federation_t *federation, double factor) {
    if (!fed_aggregation_is_single(federation->run->method.aggregation))
        for (size_t i = 0; i < sums_count(federation); i++)
            federation->server->up[i] *= factor;
    for (size_t i = 0; i < federation->selection.count; i++)
        federation->clients[i].weight *= factor;
}

/* The new global parameters. Server only. */
static fed_status_t server_step(fed_federation_t *federation, fed_round_row_t *row) {
    const fed_run_t *run = federation->run;
    fed_server_t *server = federation->server;
    size_t drawn = federation->selection.count;
    FED_AUTOFREE fed_client_row_t *averaged = FED_NEW_ARRAY(fed_client_row_t, drawn);
    double factor;
    size_t count = leave_out_diverged(federation, averaged, &factor);
    if (count == 0)
        return fed_fail(FED_DIVERGED,
                        "round %lld: all %zu clients diverged; training.learning_rate = %g is "
                        "likely too large",
                        (long long)row->round, drawn, run->config.training.learning_rate);
    if (count < drawn) {
        renormalize(federation, factor);
        for (size_t i = 0; i < count; i++)
            averaged[i].weight *= factor;
    }
    fed_aggregate_t aggregate = {
        .config = &run->config,
        .slots = &run->method.slots,
        .clients = averaged,
        .participants = count,
        .share = participating_share(federation) / factor,
        .up = server->up,
        .down = federation->w,
        .server = server->own,
    };
    row->update_norm = fed_method_step(&run->method, &aggregate);
    return FED_OK;
}

/* Where divergence does not stop the run at once, the server may find nothing to average. */
static fed_status_t agree_on_step(fed_federation_t *federation, fed_status_t mine) {
    if (federation->run->config.federated.on_divergence != FED_DIVERGENCE_SKIPS)
        return mine;
    return fed_comm_agree(federation->run->comm, mine, NULL, NULL);
}

static void broadcast_parameters(fed_federation_t *federation) {
    size_t count = federation->run->method.slots.lengths[FED_OWNER_DOWN];
    fed_comm_broadcast(federation->run->comm, federation->w, count * sizeof *federation->w);
}

static bool is_evaluated(const fed_config_t *config, int64_t round) {
    return round % config->federated.evaluate_every == 0 || round == config->federated.rounds;
}

static void evaluate_global(fed_federation_t *federation, int64_t round, fed_round_row_t *row) {
    row->test = row->validation = (fed_measure_t){NAN, NAN};
    if (!is_evaluated(&federation->run->config, round))
        return;
    const fed_dataset_t *data = &federation->run->dataset;
    row->test = fed_evaluate_together(federation, &data->test, federation->w, NULL);
    row->validation = fed_evaluate_together(federation, &data->validation, federation->w, NULL);
}

/* Between the worker that was busy with its clients for the shortest and for the longest time. */
static double finish_spread(const fed_federation_t *federation) {
    const fed_comm_t *comm = federation->run->comm;
    FED_AUTOFREE double *busy = FED_NEW_ARRAY(double, (size_t)fed_comm_size(comm));
    for (size_t i = 0; i < federation->selection.count; i++)
        busy[federation->clients[i].rank] += federation->clients[i].train_seconds;
    double shortest = INFINITY, longest = 0;
    for (int worker = 0; worker < fed_comm_workers(comm); worker++) {
        double seconds = busy[fed_comm_worker(comm, worker)];
        shortest = fmin(shortest, seconds);
        longest = fmax(longest, seconds);
    }
    return longest - shortest;
}

/* The same on the clients' own samples. */
static void evaluate_personal(fed_federation_t *federation, int64_t round,
                              fed_personal_row_t *row) {
    if (is_evaluated(&federation->run->config, round))
        fed_measure_personal(federation, round, row);
}

/* The round's row from its participants' rows, in the order of clients. */
static void summarize_clients(const fed_federation_t *federation, fed_round_row_t *row) {
    size_t participants = federation->selection.count;
    double loss = 0, correct = 0;
    row->drawn = (int64_t)federation->selection.drawn;
    for (size_t i = 0; i < participants; i++) {
        const fed_client_row_t *client = &federation->clients[i];
        row->participants += !client->diverged;
        row->diverged += client->diverged;
        if (client->diverged)
            continue;
        row->samples += client->samples;
        if (client->samples == 0) /* its measures are NaN */
            continue;
        loss += client->train.loss * (double)client->samples;
        correct += client->train.accuracy * (double)client->samples;
    }
    row->train = (fed_measure_t){loss / (double)row->samples, correct / (double)row->samples};
    row->finish_spread_seconds = finish_spread(federation);
    const fed_method_t *method = &federation->run->method;
    row->bytes_down = (int64_t)(federation->selection.drawn * fed_method_bytes_down(method));
    row->bytes_up = (int64_t)(participants * fed_method_bytes_up(method, &federation->run->config));
}

/* Server only. The results file appears anew; the others train meanwhile. */
static fed_status_t record_round(fed_federation_t *federation, fed_round_row_t *row,
                                 const fed_personal_row_t *personal) {
    fed_server_t *server = federation->server;
    fed_record_t *record = &server->record;
    size_t ranks = (size_t)fed_comm_size(federation->run->comm);
    summarize_clients(federation, row);
    fed_record_rows(record, &fed_round_table, row, 1);
    fed_record_rows(record, &fed_client_table, federation->clients, federation->selection.count);
    fed_record_rows(record, &fed_local_epoch_table, federation->local_epochs,
                    sum(federation->epoch_rows, ranks));
    fed_record_rows(record, &fed_personal_table, personal, personal->round > 0);
    if (server->centralized.rows)
        fed_record_central(record, &server->centralized);
    fed_record_status(record, "running");
    fed_totals_add(&server->totals, row);
    FED_TRY(fed_record_publish(record, false));
    fed_progress_round(&server->progress, row); /* announced when it is in the file */
    return FED_OK;
}

static bool is_checkpointed(const fed_config_t *config, int64_t round) {
    return config->checkpoint.every > 0 &&
           (round % config->checkpoint.every == 0 || round == config->federated.rounds);
}

/* What a unit of the largest rank's load took last time, for the watchdog; and the clock. */
static void expect_training(fed_federation_t *federation, int64_t round) {
    fed_server_t *server = federation->server;
    double load = (double)fed_federation_load(federation), expected = -1;
    if (server->load > 0)
        expected = server->last.train_seconds * load / server->load;
    server->load = load;
    fed_comm_expect(federation->run->comm, "training", round, expected);
    fed_limit_before_round(&server->limit);
}

static fed_status_t run_round(fed_federation_t *federation, int64_t round) {
    fed_server_t *server = federation->server;
    fed_comm_t *comm = federation->run->comm;
    fed_round_row_t row = {.round = round}, last = server ? server->last : row;
    fed_personal_row_t personal = {0};
    double started = fed_clock_seconds();

    fed_federation_select(federation, round);
    if (server)
        expect_training(federation, round);
    fed_status_t mine = train_clients(federation, round);
    FED_TRY(wait_for_all(federation, mine));
    double trained = fed_clock_seconds();

    fed_comm_expect(comm, "gathering updates", round, last.gather_seconds);
    gather_updates(federation);
    double gathered = fed_clock_seconds();

    fed_status_t step = FED_OK;
    if (server && federation->selection.count > 0)
        step = server_step(federation, &row);
    FED_TRY(agree_on_step(federation, step));
    fed_states_commit(&federation->states);
    double stepped = fed_clock_seconds();

    fed_comm_expect(comm, "sending parameters", round, last.bcast_seconds);
    broadcast_parameters(federation); /* what this round evaluates and the next starts from */
    double sent = fed_clock_seconds();

    fed_comm_expect(comm, "evaluating", round, last.evaluate_seconds);
    evaluate_global(federation, round, &row);
    evaluate_personal(federation, round, &personal);
    double evaluated = fed_clock_seconds();

    federation->rounds_done = round;
    if (server) {
        row.wall_seconds = evaluated - started;
        row.train_seconds = trained - started;
        row.gather_seconds = gathered - trained;
        row.aggregate_seconds = stepped - gathered;
        row.bcast_seconds = sent - stepped;
        row.evaluate_seconds = evaluated - sent;
        server->last = row;
        server->status = record_round(federation, &row, &personal);
    }
    fed_comm_expect(comm, "saving a checkpoint", round, -1);
    if (is_checkpointed(&federation->run->config, round))
        fed_checkpoint_save(federation, false);
    if (server)
        fed_limit_after_round(&server->limit, evaluated - started, fed_clock_seconds() - evaluated);
    return FED_OK;
}

fed_status_t fed_federated_run(fed_federation_t *federation) {
    int64_t rounds = federation->run->config.federated.rounds;
    broadcast_parameters(federation);
    for (int64_t round = federation->rounds_done + 1; round <= rounds; round++)
        FED_TRY(run_round(federation, round));
    return FED_OK;
}
