/* Setting up a run. */
#include "fedmpi/run/run.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/nodes.h"
#include "fedmpi/comm/shared.h"
#include "fedmpi/config/experiment.h"
#include "fedmpi/core/clock.h"
#include "fedmpi/core/digest.h"
#include "fedmpi/core/file.h"
#include "fedmpi/core/installed.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/stop.h"
#include "fedmpi/fl/evaluation.h"
#include "fedmpi/fl/selection.h"
#include "fedmpi/fl/training.h"
#include "fedmpi/io/arrays.h"
#include "fedmpi/run/checkpoint.h"
#include "fedmpi/run/initial.h"
#include "fedmpi/run/limit.h"
#include "fedmpi/run/record.h"
#include "fedmpi/run/rooms.h"
#include "fedmpi/run/spending.h"
#include "fedmpi/sim/federated.h"
#include "fedmpi/sim/weights.h"

#include <stdio.h>
#include <string.h>

static bool is_default(const fed_config_t *config, const char *dotted) {
    return !fed_config_value(config, dotted)->origin;
}

/* Where the data dictate the partition, they also say how many clients there are and what
 * each holds, unless the user wants fewer. Synthetic data are made for their clients. */
static fed_status_t resolve_partition(fed_config_t *config) {
    bool generated = fed_source_of(config)->generate;
    if (generated && is_default(config, "partition.scheme"))
        FED_TRY(fed_config_set(config, "partition", "scheme", "natural", "default"));
    if (!fed_partition_scheme_of(config)->follows_data)
        return FED_OK;
    if (!generated && is_default(config, "partition.clients"))
        FED_TRY(fed_config_set(config, "partition", "clients", "0", "default"));
    if (is_default(config, "partition.samples_per_client"))
        FED_TRY(fed_config_set(config, "partition", "samples_per_client", "0", "default"));
    return FED_OK;
}

/* What depends on other keys becomes explicit, so that the effective configuration
 * says it. */
static fed_status_t resolve_defaults(fed_config_t *config) {
    FED_TRY(resolve_partition(config));
    if (is_default(config, "data.path")) {
        FED_AUTOFREE char *path = fed_format("data/%s", fed_data_options(config)->dataset->name);
        FED_TRY(fed_config_set(config, "data", "path", path, "default"));
    }
    if (!*fed_checkpoint_options(config)->file) {
        FED_AUTOFREE char *file = fed_format("%s.checkpoint", fed_output_options(config)->file);
        FED_TRY(fed_config_set(config, "checkpoint", "file", file, "default"));
    }
    if (!*fed_output_options(config)->file)
        return fed_config_fail(config, "output.file", "accepted is the path of a file");
    return FED_OK;
}

/* Where a configuration that is not where the user says was installed: configs/quick.ini, or
 * only quick.ini. Else NULL; the caller frees it. */
static char *find_installed(const char *given) {
    if (*given == '/' || fed_file_exists(given))
        return NULL;
    char *path = fed_installed(given);
    if (path)
        return path;
    FED_AUTOFREE char *name = fed_format("configs/%s", given);
    return fed_installed(name);
}

static fed_status_t read_file(fed_config_t *config, const char *given) {
    FED_AUTOFREE char *installed = find_installed(given), *all = fed_installed("configs");
    if (installed)
        fed_info("configuration: %s", installed);
    else if (all && *given != '/' && !fed_file_exists(given))
        return fed_fail(FED_INPUT, "%s: there is no such file, also not below %s", given, all);
    return fed_config_read_file(config, installed ? installed : given);
}

/* Keys that the user set and the run does not use; those at their default are no news. */
static void warn_of_unused(const fed_config_t *config) {
    fed_config_t defaults;
    fed_config_init(&defaults, config->rooms);
    for (size_t i = 0; i < config->count; i++) {
        const fed_config_value_t *value = &config->values[i];
        if (!value->origin || fed_config_same(config, &defaults, i) ||
            fed_config_uses(config, value->group))
            continue;
        FED_AUTOFREE char *users = fed_config_users(config, value->group);
        fed_warn("%s: %s.%s = %s has no effect: only %s uses it", value->origin, value->section,
                 value->key->name, value->text, users);
    }
    fed_config_fini(&defaults);
}

static fed_status_t read_config(fed_config_t *config, const fed_options_t *options) {
    FED_TRY(read_file(config, options->config_file));
    for (size_t i = 0; i < options->override_count; i++)
        FED_TRY(fed_config_override(config, options->overrides[i]));
    if (options->output_file)
        FED_TRY(fed_config_set_written(config, "output", "file", options->output_file, "--output"));
    FED_TRY(resolve_defaults(config));
    warn_of_unused(config);
    return FED_OK;
}

/* All are ready for the next step of the set-up, or none is. */
static fed_status_t agree(const fed_run_t *run, fed_status_t mine) {
    if (mine == FED_OK && fed_stop_requested())
        mine = fed_stop_status();
    return fed_comm_agree(run->comm, mine, NULL, NULL);
}

/* Rank 0's text, on all ranks; the caller frees it. @param text  rank 0: gone after this */
static char *share_text(const fed_run_t *run, fed_text_t *text) {
    fed_comm_broadcast(run->comm, &text->length, sizeof text->length);
    char *chars = text->chars ? text->chars : fed_alloc(text->length + 1, 1);
    fed_comm_broadcast(run->comm, chars, text->length);
    *text = (fed_text_t){0};
    return chars;
}

/* Rank 0 reads and checks; the others parse the text that it broadcasts. */
static fed_status_t share_config(fed_run_t *run) {
    fed_status_t status = FED_OK;
    if (fed_comm_is_server(run->comm))
        status = read_config(&run->config, run->options);
    if (fed_comm_is_server(run->comm) && status == FED_OK && !run->options->dry_run)
        status = fed_claim_take(&run->claim, &run->config, run->options);
    FED_TRY(agree(run, status));
    fed_text_t ini = {0}, origins = {0};
    if (fed_comm_is_server(run->comm)) {
        fed_config_write(&run->config, false, &ini);
        fed_config_write_origins(&run->config, &origins);
    }
    FED_AUTOFREE char *text = share_text(run, &ini);
    FED_AUTOFREE char *where = share_text(run, &origins);
    if (!fed_comm_is_server(run->comm)) {
        status = fed_config_read_text(&run->config, text, "configuration");
        fed_config_read_origins(&run->config, where);
    }
    return agree(run, status);
}

/* Whose files differ is told where the user wrote their path. */
static fed_status_t agree_on_file(const fed_run_t *run, const char *key, const char *what,
                                  const char *mine) {
    fed_status_t status = fed_comm_agree_text(run->comm, what, mine);
    return status == FED_INPUT ? fed_config_fail(&run->config, key, "%s", fed_error_message())
                               : status;
}

/* Before anything is allocated or sent by it. @param shape  NULL: of a node that has a leader */
static fed_status_t agree_on_shape(const fed_run_t *run, const fed_dataset_shape_t *shape) {
    FED_AUTOFREE char *text =
        shape
            ? fed_format(
                  "%zu training and %zu test samples of %zu x %zu x %zu features in %zu "
                  "classes%s%s",
                  shape->train_count, shape->test_count, shape->channels, shape->height,
                  shape->width, shape->classes, shape->type == FED_VALUES_FLOAT32 ? ", floats" : "",
                  shape->names_clients ? ", with clients" : "")
            : NULL;
    return agree_on_file(run, "data.path", "data sets", text);
}

/* Each node has read files of its own. Collective. */
static fed_status_t agree_on_samples(const fed_run_t *run) {
    if (fed_comm_nodes(run->comm) == 1)
        return FED_OK;
    fed_dataset_part_t parts[FED_DATASET_PARTS];
    size_t count = fed_dataset_parts(&run->config, fed_shared_bytes(run->block), parts);
    for (size_t i = 0; i < count; i++) {
        char digest[FED_DIGEST_TEXT_BYTES];
        bool leads = fed_comm_leads_node(run->comm);
        if (leads)
            fed_digest_text(parts[i].bytes, parts[i].size, digest);
        FED_TRY(agree_on_file(run, parts[i].key, parts[i].what, leads ? digest : NULL));
    }
    return FED_OK;
}

/* The leader of each node measures and fills; all ranks of it look at the block. */
static fed_status_t load_data(fed_run_t *run) {
    bool leads = fed_comm_leads_node(run->comm);
    fed_dataset_shape_t shape = {0};
    fed_status_t status =
        leads ? fed_dataset_measure(&run->config, &fed_hdf5_arrays, &shape) : FED_OK;
    FED_TRY(agree(run, fed_comm_blame_host(run->comm, status)));
    FED_TRY(agree_on_shape(run, leads ? &shape : NULL));
    fed_comm_broadcast_node(run->comm, &shape, sizeof shape);
    FED_TRY(fed_shared_create(run->comm, fed_dataset_block_bytes(&shape), &run->block));
    if (leads)
        status =
            fed_dataset_fill(&run->config, &fed_hdf5_arrays, &shape, fed_shared_bytes(run->block));
    status = fed_comm_blame_host(run->comm, status);
    FED_TRY(agree(run, status)); /* before the barrier: the wait may be long */
    fed_shared_publish(run->block);
    FED_TRY(agree_on_samples(run));
    run->dataset = fed_dataset_attach(&run->config, fed_shared_bytes(run->block));
    return FED_OK;
}

fed_labels_t fed_run_labels(const fed_run_t *run) {
    return (fed_labels_t){
        .labels = run->dataset.train.labels,
        .count = run->dataset.train.count,
        .classes = run->dataset.classes,
        .client_of = run->dataset.train_client_of,
        .generated_first = run->dataset.generated_first,
        .generated_clients = run->dataset.generated_clients,
    };
}

static fed_status_t check_parts(const fed_config_t *config) {
    if (fed_federated_options(config)->enabled || fed_centralized_options(config)->enabled)
        return FED_OK;
    return fed_config_fail(config, "federated.enabled",
                           "centralized.enabled = false too: there is nothing to train");
}

/* Those of the default that are not there are left out; one that the user wrote, which
 * only the server knows, is a mistake. */
static fed_status_t settle_tracked_clients(fed_run_t *run) {
    const fed_list_t *tracked = &fed_federated_options(&run->config)->tracked_clients;
    size_t clients = run->partition.clients;
    bool written_by_user =
        fed_comm_is_server(run->comm) && !is_default(&run->config, "federated.tracked_clients");
    fed_text_t there = {0};
    fed_text_append(&there, "%s", "");
    fed_status_t status = FED_OK;
    for (size_t i = 0; i < tracked->count && status == FED_OK; i++)
        if ((size_t)tracked->values[i] < clients)
            fed_text_append(&there, "%s%lld", there.length ? "," : "",
                            (long long)tracked->values[i]);
        else if (written_by_user)
            status = fed_config_fail(&run->config, "federated.tracked_clients",
                                     "there is no client %lld, clients are 0 to %zu",
                                     (long long)tracked->values[i], clients - 1);
    if (status == FED_OK && !written_by_user)
        status =
            fed_config_set(&run->config, "federated", "tracked_clients", there.chars, "default");
    fed_text_fini(&there);
    return status;
}

static fed_status_t check_participants(const fed_config_t *config, const fed_method_t *method,
                                       size_t clients) {
    FED_TRY(fed_selection_check(config, method->sampler, clients));
    FED_TRY(fed_byzantine_check(config, clients));
    FED_TRY(fed_weights_check(config, method));
    return fed_aggregation_check(config, method->aggregation, clients);
}

/* A client's update must not depend on the rank that trains it. */
static fed_status_t settle_products(fed_run_t *run) {
    const char *differs = run->machine.blas_differs;
    if (!differs || run->model.gemm == FED_GEMM_OWN)
        return FED_OK;
    if (run->model.gemm == FED_GEMM_OPENBLAS)
        return fed_config_fail(&run->config, "model.gemm",
                               "%s, and so would the ranks' results; accepted is auto or own, or "
                               "the environment variable OPENBLAS_CORETYPE the same on all ranks",
                               differs);
    size_t training = (size_t)fed_training_options(&run->config)->batch_size;
    size_t batch = training > FED_EVALUATION_BLOCK ? training : FED_EVALUATION_BLOCK;
    if (fed_model_drop_openblas(&run->model, batch))
        fed_warn("%s; all ranks use our own kernels (OPENBLAS_CORETYPE can make them the same)",
                 differs);
    return FED_OK;
}

/* What every rank computes for itself, with the same outcome. */
static fed_status_t build(fed_run_t *run) {
    const fed_dataset_t *data = &run->dataset;
    FED_TRY(check_parts(&run->config));
    FED_TRY(fed_method_find(&run->method, &run->config));
    fed_labels_t labels = fed_run_labels(run);
    FED_TRY(fed_partition_init(&run->partition, &run->config, &labels));
    /* Before samples are held out: those are seen through it, too. */
    if (fed_partition_scheme_of(&run->config)->shifts_features)
        FED_TRY(fed_transform_create(&run->config, data, &run->partition, &run->transform));
    run->dataset.train.transform = run->transform;
    fed_partition_hold_out(&run->partition, fed_partition_options(&run->config)->holdout,
                           fed_seed(&run->config), &run->holdout);
    FED_TRY(check_participants(&run->config, &run->method, run->partition.clients));
    FED_TRY(fed_privacy_settle(&run->method.privacy, &run->config, run->method.sampler,
                               &run->partition));
    FED_TRY(settle_tracked_clients(run));
    fed_model_input_t input = {
        .channels = data->channels,
        .height = data->height,
        .width = data->width,
        .classes = data->classes,
        .density = fed_samples_density(&data->train),
    };
    FED_TRY(fed_model_init(&run->model, &run->config, &input));
    FED_TRY(fed_training_check(&run->config, &run->model));
    FED_TRY(settle_products(run));
    fed_method_settle(&run->method, &run->config, run->model.parameters);
    return FED_OK;
}

static fed_status_t make_initial(fed_run_t *run) {
    if (!fed_comm_is_server(run->comm))
        return FED_OK;
    run->initial = FED_NEW_ARRAY(float, run->model.parameters);
    return fed_initial_parameters(&run->config, &run->model, run->initial);
}

void fed_run_forget_initial(fed_run_t *run) {
    fed_free(run->initial);
    run->initial = NULL;
}

/* Ranks write into the checkpoint's folder themselves if their clients keep something. */
static fed_status_t share_claim(const fed_run_t *run) {
    bool saved = fed_checkpoint_options(&run->config)->every > 0 && !run->options->dry_run;
    if (!saved || run->method.slots.lengths[FED_OWNER_CLIENT] == 0)
        return FED_OK;
    return fed_claim_share(run->comm, &run->config);
}

fed_status_t fed_run_init(fed_run_t *run, fed_comm_t *comm, const fed_options_t *options) {
    *run = (fed_run_t){.comm = comm, .options = options, .started = fed_clock_seconds()};
    fed_config_init(&run->config, fed_rooms);
    FED_TRY(fed_machine_init(&run->machine, comm));
    FED_TRY(share_config(run));
    fed_limit_silence(&run->config, comm);
    FED_TRY(load_data(run));
    FED_TRY(agree(run, build(run)));
    FED_TRY(fed_spending_calibrate(&run->config, comm, &run->partition, &run->method.privacy));
    FED_TRY(share_claim(run));
    return agree(run, make_initial(run));
}

void fed_run_fini(fed_run_t *run) {
    fed_run_forget_initial(run);
    fed_method_fini(&run->method);
    fed_model_fini(&run->model);
    fed_transform_destroy(run->transform);
    fed_partition_fini(&run->partition);
    fed_dataset_detach(&run->dataset);
    fed_partition_fini(&run->holdout);
    fed_shared_destroy(run->block);
    fed_claim_release(&run->claim);
    fed_config_fini(&run->config);
    fed_machine_fini(&run->machine);
}
