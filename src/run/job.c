/* From a configuration to a results file. */
#include "fedmpi/run/job.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/watchdog.h"
#include "fedmpi/core/file.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/stop.h"
#include "fedmpi/io/earlier.h"
#include "fedmpi/run/checkpoint.h"
#include "fedmpi/run/federation.h"
#include "fedmpi/run/summary.h"
#include "fedmpi/sim/federated.h"

#include <string.h>

/* What the waiting times of the rounds did not suffice for. Collective.
 * @param mine  of this rank, since the last agreement */
static fed_status_t finish_baseline(fed_federation_t *federation, fed_status_t mine) {
    fed_server_t *server = federation->server;
    while (server && mine == FED_OK && !fed_stop_requested() && server->centralized.rows &&
           fed_federation_works(federation))
        continue;
    if (server && mine == FED_OK)
        mine = fed_stop_status();
    fed_comm_expect(federation->run->comm, "finishing", 0, -1);
    return fed_comm_agree(federation->run->comm, mine, NULL, NULL);
}

/* A final model and its confusion matrix. Collective. @param w  the same on every rank */
static void record_model(fed_federation_t *federation, const char *part, const float *w) {
    fed_run_t *run = federation->run;
    size_t classes = run->dataset.classes;
    FED_AUTOFREE int64_t *confusion = FED_NEW_ARRAY(int64_t, classes * classes);
    fed_engine_evaluate(federation->engine, &run->dataset.test, w, confusion);
    if (!federation->server)
        return;
    FED_AUTOFREE char *matrix = fed_format("/%s/confusion_matrix", part);
    FED_AUTOFREE char *group = fed_format("/model/%s", part);
    fed_record_confusion(&federation->server->record, matrix, confusion);
    fed_record_model(&federation->server->record, group, w);
}

/* The baseline's is the server's alone before. Collective. */
static void record_centralized(fed_federation_t *federation) {
    const fed_run_t *run = federation->run;
    fed_server_t *server = federation->server;
    size_t n = run->model.parameters;
    FED_AUTOFREE float *sent = FED_NEW_ARRAY(float, server ? 0 : n);
    float *w = server ? server->centralized.training.w : sent;
    fed_comm_broadcast(run->comm, w, n * sizeof *w);
    record_model(federation, "centralized", w);
}

static void record_models(fed_federation_t *federation) {
    const fed_config_t *config = &federation->run->config;
    if (fed_federated_options(config)->enabled)
        record_model(federation, "federated", federation->protocol->model(federation->state));
    if (fed_centralized_options(config)->enabled)
        record_centralized(federation);
}

/* A failure of the server to write may be the server's alone: then all finish together. */
static fed_status_t run_both(fed_federation_t *federation) {
    fed_status_t mine = FED_OK;
    if (fed_federated_options(&federation->run->config)->enabled)
        mine = fed_federation_train(federation);
    return finish_baseline(federation, mine);
}

/* The message of the run's end: the server's, before all agree on it. */
static void say_why(const fed_federation_t *federation, fed_status_t status, const char *reason) {
    const fed_checkpoint_options_t *checkpoint = fed_checkpoint_options(&federation->run->config);
    if (status == FED_STOPPED)
        fed_fail(status,
                 checkpoint->every > 0 ? "%s after round %lld; --resume goes on from %s"
                                       : "%s after round %lld; no checkpoint: "
                                         "checkpoint.every is 0 (%s not written)",
                 reason, (long long)federation->rounds_done, checkpoint->file);
    else if (status != FED_OK && *reason)
        fed_fail(status, "%s", reason);
}

/* What went wrong while a run was ended, unless the run itself came to something worse. */
static void add_failure(fed_status_t next, fed_status_t *status, char **reason) {
    if (next <= *status)
        return;
    *status = next;
    fed_free(*reason);
    *reason = fed_strdup(fed_error_message());
}

static void record_end(fed_server_t *server, fed_status_t status) {
    if (server->centralized.rows)
        fed_record_centralized(&server->record, &server->centralized);
    fed_record_end(&server->record, status, fed_error_message());
}

/* The last word in results and checkpoint, whatever the status. Collective. */
static fed_status_t conclude(fed_federation_t *federation, fed_status_t status) {
    fed_server_t *server = federation->server;
    bool saves = fed_checkpoint_options(&federation->run->config)->every > 0;
    FED_AUTOFREE char *reason = fed_strdup(fed_error_message());
    if (server)
        record_end(server, status);
    if (saves && (status == FED_OK || status == FED_STOPPED))
        add_failure(fed_checkpoint_save(federation, status == FED_OK), &status, &reason);
    if (server) {
        fed_status_t published = fed_record_publish(&server->record, true);
        if (status == FED_OK || status == FED_STOPPED) /* else the first failure is the news */
            add_failure(published, &status, &reason);
    }
    say_why(federation, status, reason);
    return fed_comm_agree(federation->run->comm, status, NULL, NULL);
}

static bool is_complete(const char *results) {
    fed_earlier_t earlier;
    if (!fed_file_exists(results) || fed_earlier_read(&earlier, results) != FED_OK)
        return false;
    bool complete = earlier.status == FED_RUN_COMPLETE;
    fed_earlier_fini(&earlier);
    return complete;
}

/* A complete run makes its results file again where it was taken away, or where the run ended
 * between its last checkpoint and the last word in the results. Collective. */
static bool results_are_complete(const fed_federation_t *federation) {
    bool complete =
        federation->server && is_complete(fed_output_options(&federation->run->config)->file);
    fed_comm_broadcast(federation->run->comm, &complete, sizeof complete);
    return complete;
}

static fed_status_t run_federation(fed_run_t *run) {
    fed_federation_t federation;
    fed_status_t status = fed_federation_init(&federation, run);
    bool nothing_to_do =
        status == FED_OK && federation.complete && results_are_complete(&federation);
    if (nothing_to_do) {
        fed_info("%s is complete already: nothing to do", fed_output_options(&run->config)->file);
    } else if (status == FED_OK) {
        fed_run_announce(run);
        status = run_both(&federation);
        if (status == FED_OK)
            record_models(&federation);
        status = conclude(&federation, status);
    }
    fed_live_end();
    /* Of a complete run that has no checkpoint any more there is nothing to sum up. */
    bool known = federation.server && federation.server->totals.rounds == federation.rounds_done;
    if (status == FED_OK && known)
        fed_summary_print(&federation);
    fed_federation_fini(&federation);
    return status;
}

fed_status_t fed_job_run(fed_comm_t *comm, const fed_options_t *options) {
    fed_run_t run;
    fed_status_t status = fed_run_init(&run, comm, options);
    if (status == FED_STOPPED) {
        FED_AUTOFREE char *reason = fed_strdup(fed_error_message());
        fed_fail(status, "%s while setting up: nothing was trained yet", reason);
    }
    if (status == FED_OK && options->dry_run)
        fed_run_describe(&run);
    else if (status == FED_OK)
        status = run_federation(&run);
    fed_run_fini(&run);
    return status;
}
