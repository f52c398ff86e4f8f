/* The keys of the federated run. */
#include "fedmpi/sim/federated.h"

static const char *const weighting_words[] = {
    [FED_WEIGHT_SAMPLES] = "samples",
    [FED_WEIGHT_UNIFORM] = "uniform",
    NULL,
};
static const char *const collective_words[] = {
    [FED_COLLECTIVE_GATHER] = "gather",
    [FED_COLLECTIVE_REDUCE] = "reduce",
    NULL,
};

/* clang-format off */
static const fed_key_t keys[] = {
    FED_BOOLEAN(fed_federated_options_t, enabled, "true", "run the federated part"),
    FED_INTEGER(fed_federated_options_t, rounds, 1, 10000000, "20", "communication rounds", .resumable = true),
    FED_CHOICE(fed_federated_options_t, weighting, weighting_words, "samples", "weight of a client's update in the average: its samples, or the same for all"),
    FED_CHOICE(fed_federated_options_t, collective, collective_words, "gather", "how updates reach the server: MPI_Gather or MPI_Reduce", .resumable = true),
    FED_INTEGER(fed_federated_options_t, evaluate_every, 1, 10000000, "1", "rounds from one evaluation of the global model to the next; the last is always evaluated"),
    FED_INTEGERS(fed_federated_options_t, tracked_clients, 0, FED_CLIENTS_MAX - 1, "0,1,2,3,4", "clients with a curve over their local epochs; empty: none"),
};
/* clang-format on */

const fed_key_group_t fed_federated_keys =
    FED_KEY_GROUP("federated", fed_federated_options_t, keys);
