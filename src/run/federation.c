/* A run's rounds. Read run_round first, near the end. */
#include "fedmpi/run/federation.h"

#include "checkpoint_format.h"
#include "states_files.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/nodes.h"
#include "fedmpi/comm/watchdog.h"
#include "fedmpi/core/clock.h"
#include "fedmpi/core/file.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/run/checkpoint.h"
#include "fedmpi/run/summary.h"
#include "fedmpi/sim/federated.h"

#include <math.h>

/* Positions that the baseline trains on, [count]; the caller frees them. */
static uint32_t *list_baseline_samples(const fed_run_t *run, size_t *count) {
    if (fed_centralized_options(&run->config)->data != FED_CENTRALIZED_ALL) {
        *count = fed_partition_total(&run->partition);
        return fed_partition_pool(&run->partition);
    }
    *count = run->dataset.train.count;
    uint32_t *samples = FED_NEW_ARRAY(uint32_t, *count);
    for (size_t i = 0; i < *count; i++)
        samples[i] = (uint32_t)i;
    return samples;
}

static void server_init(fed_federation_t *federation) {
    const fed_run_t *run = federation->run;
    fed_server_t *server = federation->server = FED_NEW(fed_server_t);
    size_t count;
    fed_checkpoint_fingerprint(run, server->fingerprint);
    fed_spending_init(&server->spending, &run->config, &run->method.privacy);
    if (!fed_centralized_options(&run->config)->enabled)
        return;
    FED_AUTOFREE uint32_t *samples = list_baseline_samples(run, &count);
    fed_centralized_init(&server->centralized, &run->config, &run->dataset, &run->model, samples,
                         count, run->initial);
}

fed_problem_t fed_run_problem(const fed_run_t *run) {
    return (fed_problem_t){
        .config = &run->config,
        .method = &run->method,
        .model = &run->model,
        .dataset = &run->dataset,
        .partition = &run->partition,
        .holdout = &run->holdout,
    };
}

bool fed_federation_works(fed_federation_t *federation) {
    fed_server_t *server = federation->server;
    fed_centralized_t *centralized = server->centralized.rows ? &server->centralized : NULL;
    fed_progress_tick(&server->progress, federation->rounds_done + 1, centralized);
    return centralized && fed_centralized_advance(centralized);
}

static bool work_while_waiting(void *context) {
    return fed_federation_works(context);
}

/* Alone, the server never waits: its sign of life comes between clients. */
static void look_at_client(void *context, uint32_t client, const fed_training_t *training) {
    (void)client;
    (void)training;
    fed_federation_t *federation = context;
    if (federation->server)
        fed_progress_tick(&federation->server->progress, federation->rounds_done + 1, NULL);
}

/* Rows of a round's clients, before the round has its own: what is too much to hold goes to the
 * results file and behind the checkpoint's mark in the journal. */
static void take_rows(void *context, const void *rows, size_t count) {
    fed_server_t *server = ((fed_federation_t *)context)->server;
    fed_record_t *record = &server->record;
    fed_record_rows(record, &fed_client_table, rows, count);
    if (!fed_record_is_full(record) || server->rows_written != FED_OK)
        return;
    server->rows_written = fed_record_publish(record, false);
    if (server->rows_written == FED_OK)
        server->rows_written = fed_checkpoint_spill(context);
}

/* With --overwrite the earlier run's checkpoint goes before its results do. */
static fed_status_t publish_first(fed_federation_t *federation) {
    if (federation->run->options->overwrite)
        fed_checkpoint_discard(federation->run);
    return fed_record_publish(&federation->server->record, false);
}

/* A results file that is there already stays until a round adds to it. Collective. */
static fed_status_t start_or_resume(fed_federation_t *federation, const char *hosts) {
    fed_server_t *server = federation->server;
    bool resumed;
    if (server)
        fed_record_create(&server->record, federation->run, hosts);
    FED_TRY(fed_checkpoint_load(federation, &resumed));
    bool stays = federation->complete ||
                 (resumed && fed_file_exists(fed_output_options(&federation->run->config)->file));
    fed_status_t mine = server && !stays ? publish_first(federation) : FED_OK;
    return fed_comm_agree(federation->run->comm, mine, NULL, NULL);
}

/* How far a budget of privacy goes. Collective. */
static void settle_last_round(fed_federation_t *federation) {
    int64_t rounds = fed_federated_options(&federation->run->config)->rounds;
    fed_server_t *server = federation->server;
    if (server)
        federation->last_round =
            fed_spending_last_round(&server->spending, federation->rounds_done, rounds);
    if (server && federation->last_round < rounds)
        fed_warn("the budget of privacy ends the run after round %lld of %lld",
                 (long long)federation->last_round, (long long)rounds);
    fed_comm_broadcast(federation->run->comm, &federation->last_round,
                       sizeof federation->last_round);
}

fed_status_t fed_federation_init(fed_federation_t *federation, fed_run_t *run) {
    *federation = (fed_federation_t){.run = run, .problem = fed_run_problem(run)};
    federation->protocol = fed_protocol_of(&run->config);
    fed_observer_t observer = {.context = federation,
                               .wait = work_while_waiting,
                               .trained = look_at_client,
                               .rows = take_rows};
    FED_TRY(fed_engine_create(run->comm, &federation->problem, &observer, &federation->engine));
    federation->state = federation->protocol->create(federation->engine, run->initial);
    if (fed_comm_is_server(run->comm))
        server_init(federation);
    FED_AUTOFREE char *hosts = fed_comm_hosts(run->comm);
    FED_TRY(start_or_resume(federation, hosts));
    settle_last_round(federation);
    fed_run_forget_initial(run); /* all have taken what they need of it */
    if (!federation->server)
        return FED_OK;
    fed_limit_init(&federation->server->limit, &run->config, run->started);
    fed_progress_init(&federation->server->progress, federation->rounds_done + 1,
                      federation->last_round);
    return FED_OK;
}

static void server_fini(fed_server_t *server) {
    fed_bundle_fini(&server->loaded);
    fed_spending_fini(&server->spending);
    fed_record_fini(&server->record);
    if (server->centralized.rows)
        fed_centralized_fini(&server->centralized);
    fed_free(server);
}

void fed_federation_fini(fed_federation_t *federation) {
    if (federation->server)
        server_fini(federation->server);
    fed_states_list_fini(&federation->states);
    if (federation->state)
        federation->protocol->destroy(federation->state);
    fed_engine_destroy(federation->engine);
}

/* --- Rounds --------------------------------------------------------------------------- */

static bool is_evaluated(const fed_federation_t *federation, int64_t round) {
    const fed_config_t *config = &federation->run->config;
    return round % fed_federated_options(config)->evaluate_every == 0 ||
           round == federation->last_round;
}

/* The new model on the test set, and on the clients' own samples. Collective. */
static void evaluate(fed_federation_t *federation, int64_t round, fed_round_row_t *row,
                     fed_personal_row_t *personal) {
    const fed_dataset_t *data = &federation->run->dataset;
    fed_engine_t *engine = federation->engine;
    const float *w = federation->protocol->model(federation->state);
    fed_engine_begin_evaluation(engine);
    row->test = row->validation = (fed_measure_t){NAN, NAN};
    if (is_evaluated(federation, round)) {
        row->test = fed_engine_evaluate(engine, &data->test, w, NULL);
        row->validation = fed_engine_evaluate(engine, &data->validation, w, NULL);
        fed_engine_evaluate_personal(engine, round, w, personal);
    }
    fed_engine_end(engine);
}

/* Server only. The results file appears anew; the others train meanwhile. */
static fed_status_t record_round(fed_federation_t *federation, const fed_trained_t *trained,
                                 fed_round_row_t *row, const fed_personal_row_t *personal) {
    fed_server_t *server = federation->server;
    fed_record_t *record = &server->record;
    fed_engine_account(federation->engine, trained, row);
    FED_TRY(server->rows_written);
    fed_record_rows(record, &fed_round_table, row, 1);
    fed_record_rows(record, &fed_local_epoch_table, trained->local_epochs,
                    trained->local_epoch_count);
    fed_record_rows(record, &fed_personal_table, personal, personal->round > 0);
    if (server->spending.config) {
        fed_privacy_row_t spent;
        fed_spending_add(&server->spending, row, &spent);
        fed_record_rows(record, &fed_privacy_table, &spent, 1);
    }
    if (server->centralized.rows)
        fed_record_centralized(record, &server->centralized);
    fed_record_status(record, FED_RUN_RUNNING);
    fed_totals_add(&server->totals, row);
    FED_TRY(fed_record_publish(record, false));
    fed_progress_round(&server->progress, row); /* announced when it is in the file */
    return FED_OK;
}

static bool is_checkpointed(const fed_federation_t *federation, int64_t round) {
    const fed_config_t *config = &federation->run->config;
    return fed_checkpoint_options(config)->every > 0 &&
           (round % fed_checkpoint_options(config)->every == 0 || round == federation->last_round);
}

/* What the watchdog should expect of a checkpoint: not more than the longest so far took. */
static double expected_saving(const fed_server_t *server) {
    return server && server->limit.save_seconds > 0 ? server->limit.save_seconds : -1;
}

/* @param mine  [in,out] what this rank's own work since the last agreement came to */
static fed_status_t run_round(fed_federation_t *federation, int64_t round, fed_status_t *mine) {
    fed_server_t *server = federation->server;
    fed_round_row_t row = {.round = round};
    fed_personal_row_t personal = {0};
    fed_columns_clear(&federation->run->method.round_columns, row.cells);
    fed_trained_t trained;
    double started = fed_clock_seconds();
    if (server)
        fed_limit_before_round(&server->limit);
    fed_engine_begin(federation->engine, round, *mine);
    *mine = FED_OK;
    FED_TRY(
        federation->protocol->round(federation->state, federation->engine, round, &trained, &row));
    evaluate(federation, round, &row, &personal);
    federation->rounds_done = round;
    double ended = fed_clock_seconds();
    if (server)
        *mine = record_round(federation, &trained, &row, &personal);
    fed_comm_expect(federation->run->comm, "saving a checkpoint", round, expected_saving(server));
    if (is_checkpointed(federation, round)) {
        fed_status_t saved = fed_checkpoint_save(federation, false);
        *mine = saved > *mine ? saved : *mine;
    }
    if (server)
        fed_limit_after_round(&server->limit, ended - started, fed_clock_seconds() - ended);
    return FED_OK;
}

fed_status_t fed_federation_train(fed_federation_t *federation) {
    fed_status_t mine = FED_OK;
    federation->protocol->start(federation->state, federation->engine);
    for (int64_t round = federation->rounds_done + 1; round <= federation->last_round; round++)
        FED_TRY(run_round(federation, round, &mine));
    return mine;
}
