/* --dry-run: what would run, where, with how much memory. */
#include "fedmpi/run/federation.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/workers.h"
#include "fedmpi/config/experiment.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/run/arithmetic.h"
#include "fedmpi/run/checkpoint.h"
#include "fedmpi/run/estimate.h"
#include "fedmpi/sim/federated.h"
#include "fedmpi/sim/placement.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_CLIENTS 12 /* of a rank, in the map */

static const char *role_of(const fed_comm_t *comm, size_t rank) {
    if (fed_comm_size(comm) == 1)
        return "both";
    if (rank == 0)
        return "server";
    for (int worker = 0; worker < fed_comm_workers(comm); worker++)
        if (fed_comm_worker(comm, worker) == (int)rank)
            return "client";
    return "idle"; /* its node has no core for it */
}

/* What clients keep, if all of them have trained: a copy in memory and the round's beside it; in
 * files of the last two checkpoints, and of the next while it is written. */
static void append_states(const fed_run_t *run, fed_text_t *lines) {
    double each = (double)run->method.slots.lengths[FED_OWNER_CLIENT] * sizeof(float);
    double all = (double)run->partition.clients * each;
    bool saved = fed_checkpoint_options(&run->config)->every > 0;
    char texts[3][16];
    if (each == 0)
        return;
    fed_text_bytes(texts[0], each);
    fed_text_bytes(texts[1], 2 * all);
    fed_text_bytes(texts[2], 3 * all);
    fed_text_append(lines, "clients' states: %s each, up to %s of the memory of all ranks",
                    texts[0], texts[1]);
    fed_text_append(lines, saved ? ", and %s of disk for checkpoints\n" : "%s\n",
                    saved ? texts[2] : "");
}

/* Which clients train on which rank. @return how many on the first that trains */
static size_t append_map(const fed_run_t *run, fed_text_t *lines) {
    size_t clients = run->partition.clients, ranks = (size_t)fed_comm_size(run->comm);
    FED_AUTOFREE uint32_t *rank = FED_NEW_ARRAY(uint32_t, clients);
    FED_AUTOFREE size_t *samples = FED_NEW_ARRAY(size_t, ranks);
    FED_AUTOFREE size_t *counts = FED_NEW_ARRAY(size_t, ranks);
    FED_AUTOFREE fed_text_t *numbers = FED_NEW_ARRAY(fed_text_t, ranks);
    fed_problem_t problem = fed_run_problem(run);
    fed_placement_all(run->comm, &problem, rank);
    for (size_t k = 0; k < clients; k++) {
        size_t count = fed_partition_count(&run->partition, k);
        if (counts[rank[k]]++ < SHOWN_CLIENTS)
            fed_text_append(&numbers[rank[k]], " %zu", k);
        samples[rank[k]] += count;
    }
    fed_text_append(lines,
                    "rank  role    clients   samples  numbers of the clients, if all take part\n");
    for (size_t r = 0; r < ranks; r++) {
        fed_text_append(lines, "%4zu  %-6s  %7zu  %8zu%s%s%s\n", r, role_of(run->comm, r),
                        counts[r], samples[r], counts[r] ? " " : "",
                        counts[r] ? numbers[r].chars : "", counts[r] > SHOWN_CLIENTS ? " ..." : "");
        fed_text_fini(&numbers[r]);
    }
    return counts[fed_comm_worker(run->comm, 0)];
}

static void append_memory(const fed_run_t *run, size_t clients_here, fed_text_t *lines) {
    fed_estimate_t memory = fed_estimate(run, clients_here);
    char node[16], client[16], server[16];
    fed_text_bytes(node, (double)memory.node_bytes);
    fed_text_bytes(client, (double)memory.client_bytes);
    fed_text_bytes(server, (double)memory.server_bytes);
    fed_text_append(lines, "memory: %s a node for the data, %s the server", node, server);
    if (fed_comm_size(run->comm) > 1)
        fed_text_append(lines, ", %s each other rank", client);
    fed_text_append(lines, "; MPI's and the libraries' own included\n");
}

static void append_sizes(const fed_run_t *run, fed_text_t *lines) {
    const fed_dataset_t *data = &run->dataset;
    fed_text_append(lines,
                    "data: %zu training, %zu validation, %zu test samples of %zu features in %zu "
                    "classes\n",
                    data->train.count, data->validation.count, data->test.count,
                    data->train.features, data->classes);
    fed_text_append(lines, "model: %s with %zu parameters in %zu tensors\n",
                    fed_model_options(&run->config)->type->name, run->model.parameters,
                    run->model.tensor_count);
    FED_AUTOFREE char *products = fed_arithmetic_products(run);
    fed_text_append(lines, "products of dense layers: %s\n", products);
}

/* What the promise comes to when all rounds are done, or as many as the budget allows. */
static void append_privacy(const fed_run_t *run, fed_text_t *lines) {
    const fed_privacy_t *privacy = &run->method.privacy;
    fed_spending_t spending;
    fed_spending_init(&spending, &run->config, privacy);
    if (!spending.config)
        return;
    int64_t rounds = fed_federated_options(&run->config)->rounds;
    int64_t last = fed_spending_last_round(&spending, 0, rounds);
    fed_epsilon_t epsilon = fed_spending_forecast(&spending, last);
    FED_AUTOFREE char *cost = fed_spending_say(&epsilon, fed_promise_options(&run->config)->delta);
    fed_text_append(lines, "privacy of %s: %s after %lld rounds; noise multiplier %g, ",
                    fed_spending_members(privacy), cost, (long long)last, privacy->noise);
    if (privacy->mechanism->per_sample)
        fed_text_append(lines, "%g samples in each of %g steps, of the client that risks most",
                        privacy->expected, privacy->times);
    else
        fed_text_append(lines, "%g of %zu clients", privacy->expected, run->partition.clients);
    fed_text_append(lines, last < rounds ? "; more rounds exceed the budget\n" : "\n");
    fed_spending_fini(&spending);
}

/* What would run where, each line behind a prefix that `say` prints. */
static void describe(const fed_run_t *run, void (*say)(const char *line)) {
    fed_text_t lines = {0};
    append_memory(run, append_map(run, &lines), &lines);
    append_states(run, &lines);
    append_sizes(run, &lines);
    append_privacy(run, &lines);
    for (char *rest = lines.chars, *line; (line = strsep(&rest, "\n")) && *line;)
        say(line);
    fed_text_fini(&lines);
}

static void print_comment(const char *line) {
    printf("; %s\n", line);
}

static void print_detail(const char *line) {
    fed_detail("%s", line);
}

void fed_run_announce(const fed_run_t *run) {
    const fed_config_t *config = &run->config;
    const fed_dataset_t *data = &run->dataset;
    int workers = fed_comm_workers(run->comm);
    fed_info("%s: %s with %zu parameters on %s, %zu training and %zu test samples",
             fed_experiment_options(config)->name, fed_model_options(config)->type->name,
             run->model.parameters, fed_data_options(config)->dataset->name, data->train.count,
             data->test.count);
    if (fed_federated_options(config)->enabled)
        fed_info("%s: %zu clients on %d rank%s, %lld rounds%s",
                 fed_algorithm_options(config)->algorithm->name, run->partition.clients, workers,
                 workers == 1 ? "" : "s", (long long)fed_federated_options(config)->rounds,
                 fed_centralized_options(config)->enabled ? "; centralized baseline on rank 0"
                                                          : "");
    int others = fed_comm_size(run->comm) - 1;
    if (workers < others)
        fed_info(
            "%d of %d ranks train, as many as their nodes have cores for: more would only take "
            "turns on them; FEDMPI_CORES=%d has all train",
            workers, others, others);
    if (fed_log_is_verbose())
        describe(run, print_detail);
}

/* The map and the memory first: they are what one looks for. All of it runs as a configuration. */
void fed_run_describe(const fed_run_t *run) {
    if (!fed_comm_is_server(run->comm))
        return;
    describe(run, print_comment);
    fed_text_t ini = {0};
    fed_config_write(&run->config, true, &ini);
    printf("\n%s", ini.chars);
    fed_text_fini(&ini);
}
