/* Drawing the participants of a round. */
#include "fedmpi/fl/selection.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/config/purposes.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/random.h"
#include "fedmpi/core/sort.h"

/* clang-format off */
static const fed_key_t keys[] = {
    FED_INTEGER(fed_selection_options_t, clients_per_round, 0, FED_CLIENTS_MAX, "0", "K: clients drawn each round; 0: all"),
    FED_NAME(fed_selection_options_t, sampling, &fed_samplers, "uniform", "uniform: K clients, equally likely; weighted: K, in proportion to their samples; poisson: each on its own, see participation"),
    FED_REAL(fed_selection_options_t, availability, 0, 1, "1", "probability that a client can be drawn in a round", .above_minimum = true),
    FED_REAL(fed_selection_options_t, dropout, 0, 1, "0", "probability that a client that was drawn does not answer"),
};
/* clang-format on */

const fed_key_group_t fed_selection_keys =
    FED_KEY_GROUP("federated", fed_selection_options_t, keys);

const fed_sampler_t *fed_sampler_of(const fed_config_t *config) {
    return (const fed_sampler_t *)fed_selection_options(config)->sampling;
}

fed_status_t fed_selection_check(const fed_config_t *config, const fed_sampler_t *sampler,
                                 size_t clients) {
    if ((size_t)fed_selection_options(config)->clients_per_round > clients)
        return fed_config_fail(config, "federated.clients_per_round",
                               "there are %zu clients; 0 takes all", clients);
    if (sampler->draws_any_number && fed_selection_options(config)->clients_per_round > 0)
        return fed_config_fail(config, "federated.clients_per_round",
                               "federated.sampling = %s draws any number of clients; accepted is 0",
                               sampler->plugin.name);
    return FED_OK;
}

void fed_selection_init(fed_selection_t *selection, const fed_config_t *config,
                        const fed_sampler_t *sampler, const fed_partition_t *partition) {
    size_t clients = partition->clients,
           per_round = (size_t)fed_selection_options(config)->clients_per_round;
    if (per_round == 0 || per_round > clients)
        per_round = clients;
    *selection = (fed_selection_t){
        .config = config,
        .sampler = sampler,
        .partition = partition,
        .seed = fed_seed(config),
        .per_round = per_round,
        .capacity = sampler->draws_any_number ? clients : per_round,
        .shuffled = FED_NEW_ARRAY(uint32_t, clients),
    };
    selection->chosen = FED_NEW_ARRAY(uint32_t, selection->capacity);
    for (size_t k = 0; k < clients; k++)
        selection->shuffled[k] = (uint32_t)k;
}

void fed_selection_fini(fed_selection_t *selection) {
    fed_free(selection->shuffled);
    fed_free(selection->chosen);
    *selection = (fed_selection_t){0};
}

/* Is what has this probability true of the client in this round? */
static bool happens(const fed_selection_t *selection, fed_purpose_t purpose, uint32_t round,
                    size_t client, double probability) {
    fed_stream_t stream = {.seed = selection->seed, .purpose = purpose, .when = round};
    return fed_random_uniform(&stream, (uint32_t)client) < probability;
}

/* Clients that are available, ascending: pool[out]. @return how many */
static size_t find_available(const fed_selection_t *selection, uint32_t round, uint32_t *pool) {
    double availability = fed_selection_options(selection->config)->availability;
    size_t available = 0;
    for (size_t k = 0; k < selection->partition->clients; k++)
        if (happens(selection, FED_RANDOM_AVAILABILITY, round, k, availability))
            pool[available++] = (uint32_t)k;
    return available;
}

static size_t draw(fed_selection_t *selection, uint32_t round, uint32_t *pool, size_t available) {
    fed_draw_t from = {
        .config = selection->config,
        .partition = selection->partition,
        .stream = {.seed = selection->seed, .purpose = FED_RANDOM_PARTICIPANTS, .when = round},
        .wanted = selection->per_round,
        .pool = pool,
        .available = available,
        .chosen = selection->chosen,
    };
    return selection->sampler->draw(&from);
}

static void drop_out(fed_selection_t *selection, uint32_t round) {
    double dropout = fed_selection_options(selection->config)->dropout;
    selection->count = 0;
    for (size_t i = 0; i < selection->drawn; i++) {
        uint32_t client = selection->chosen[i];
        if (!happens(selection, FED_RANDOM_DROPOUT, round, client, dropout))
            selection->chosen[selection->count++] = client;
    }
}

void fed_selection_draw(fed_selection_t *selection, uint32_t round) {
    size_t clients = selection->partition->clients;
    if (fed_selection_options(selection->config)->availability < 1) {
        FED_AUTOFREE uint32_t *pool = FED_NEW_ARRAY(uint32_t, clients);
        size_t available = find_available(selection, round, pool);
        selection->drawn = draw(selection, round, pool, available);
    } else
        selection->drawn = draw(selection, round, selection->shuffled, clients);
    fed_sort_uint32(selection->chosen, selection->drawn);
    drop_out(selection, round);
}
