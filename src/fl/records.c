/* The columns of the results file's tables. */
#include "fedmpi/fl/records.h"

/* Loss and accuracy of one set of samples. */
#define MEASURE(row, field, what)                                                                  \
    {#field "_loss", FED_COLUMN_REAL, offsetof(row, field.loss), "nat", "mean loss " what}, {      \
#field "_accuracy", FED_COLUMN_REAL, offsetof(row, field.accuracy), "1",                   \
            "fraction of right answers " what                                                      \
    }

/* How accuracy is spread over clients. */
#define SPREAD(row, field, what)                                                                   \
    {#field "_loss", FED_COLUMN_REAL, offsetof(row, field.loss), "nat", "mean loss " what},        \
        {#field "_accuracy", FED_COLUMN_REAL, offsetof(row, field.accuracy), "1",                  \
         "mean accuracy " what},                                                                   \
        {#field "_worst_decile", FED_COLUMN_REAL, offsetof(row, field.worst), "1",                 \
         "mean accuracy of the worst tenth of the clients, rounded up, " what},                    \
    {                                                                                              \
#field "_deviation", FED_COLUMN_REAL, offsetof(row, field.deviation), "1",                 \
            "standard deviation over clients of the accuracy " what                                \
    }

/* clang-format off */
static const fed_column_t round_columns[] = {
    FED_INTEGER_COLUMN(fed_round_row_t, round, "1", "number of the round, from 1"),
    FED_INTEGER_COLUMN(fed_round_row_t, drawn, "1", "clients drawn, with those that did not answer"),
    FED_INTEGER_COLUMN(fed_round_row_t, participants, "1", "clients that took part"),
    FED_INTEGER_COLUMN(fed_round_row_t, diverged, "1", "clients that diverged and were left out of the average"),
    FED_INTEGER_COLUMN(fed_round_row_t, samples, "1", "training samples that they hold together"),
    MEASURE(fed_round_row_t, train, "of the participants in their last local epoch, while it trained"),
    MEASURE(fed_round_row_t, test, "of the new global model on the test set; NaN: not evaluated"),
    MEASURE(fed_round_row_t, validation, "of the new global model on the validation samples; NaN: none"),
    FED_REAL_COLUMN(fed_round_row_t, update_norm, "1", "L2 norm of the averaged update"),
    FED_REAL_COLUMN(fed_round_row_t, wall_seconds, "s", "from the selection to the evaluation"),
    FED_REAL_COLUMN(fed_round_row_t, train_seconds, "s", "until the last rank had trained its clients"),
    FED_REAL_COLUMN(fed_round_row_t, bcast_seconds, "s", "sending the new global parameters"),
    FED_REAL_COLUMN(fed_round_row_t, gather_seconds, "s", "bringing the sums of updates to the server"),
    FED_REAL_COLUMN(fed_round_row_t, aggregate_seconds, "s", "decoding and server step"),
    FED_REAL_COLUMN(fed_round_row_t, evaluate_seconds, "s", "evaluating the new global model on all ranks that have a core"),
    FED_REAL_COLUMN(fed_round_row_t, finish_spread_seconds, "s", "training time of the worker with most less that of the worker with least"),
    FED_INTEGER_COLUMN(fed_round_row_t, bytes_down, "B", "global parameters for the clients that were drawn"),
    FED_INTEGER_COLUMN(fed_round_row_t, bytes_up, "B", "updates of the clients that took part"),
};

static const fed_column_t client_columns[] = {
    FED_INTEGER_COLUMN(fed_client_row_t, round, "1", "number of the round, from 1"),
    FED_INTEGER_COLUMN(fed_client_row_t, client, "1", "number of the client, from 0"),
    FED_INTEGER_COLUMN(fed_client_row_t, rank, "1", "MPI rank that trained it"),
    FED_INTEGER_COLUMN(fed_client_row_t, samples, "1", "training samples that it holds"),
    FED_INTEGER_COLUMN(fed_client_row_t, steps, "1", "mini-batches of this round"),
    FED_REAL_COLUMN(fed_client_row_t, weight, "1", "its share of the round's average"),
    FED_INTEGER_COLUMN(fed_client_row_t, diverged, "1", "1: it diverged and was left out of the average"),
    FED_INTEGER_COLUMN(fed_client_row_t, byzantine, "1", "1: a simulated attacker"),
    MEASURE(fed_client_row_t, train, "in its last local epoch, while it trained"),
    FED_REAL_COLUMN(fed_client_row_t, update_norm, "1", "L2 norm of its update"),
    FED_REAL_COLUMN(fed_client_row_t, train_seconds, "s", "its local training"),
};

static const fed_column_t privacy_columns[] = {
    FED_INTEGER_COLUMN(fed_privacy_row_t, round, "1", "number of the round, from 1"),
    FED_REAL_COLUMN(fed_privacy_row_t, sampling, "1", "q: probability that a client takes part"),
    FED_REAL_COLUMN(fed_privacy_row_t, expected, "1", "q N: clients that are expected, by which sums are divided"),
    FED_REAL_COLUMN(fed_privacy_row_t, noise_multiplier, "1", "z: deviation of the noise in the most that one client can change"),
    FED_REAL_COLUMN(fed_privacy_row_t, clip_norm, "1", "C: L2 norm to which longer updates were scaled down"),
    FED_REAL_COLUMN(fed_privacy_row_t, noise_deviation, "1", "deviation of the noise on each number of the averaged update"),
    FED_REAL_COLUMN(fed_privacy_row_t, epsilon_lower, "nat", "epsilon is at least this, by the distribution of the privacy loss"),
    FED_REAL_COLUMN(fed_privacy_row_t, epsilon, "nat", "an estimate between both bounds"),
    FED_REAL_COLUMN(fed_privacy_row_t, epsilon_upper, "nat", "epsilon is at most this"),
    FED_REAL_COLUMN(fed_privacy_row_t, epsilon_rdp, "nat", "another upper bound, by Renyi orders"),
    FED_REAL_COLUMN(fed_privacy_row_t, delta, "1", "the delta that they go with"),
};

static const fed_column_t local_epoch_columns[] = {
    FED_INTEGER_COLUMN(fed_local_epoch_row_t, round, "1", "number of the round, from 1"),
    FED_INTEGER_COLUMN(fed_local_epoch_row_t, client, "1", "number of the client, from 0"),
    FED_INTEGER_COLUMN(fed_local_epoch_row_t, epoch, "1", "local epoch of this round, from 1"),
    MEASURE(fed_local_epoch_row_t, train, "on the client's samples, while it trained"),
    MEASURE(fed_local_epoch_row_t, test, "of the client's own model on the test set after the epoch"),
};

static const fed_column_t personal_columns[] = {
    FED_INTEGER_COLUMN(fed_personal_row_t, round, "1", "number of the round, from 1"),
    FED_INTEGER_COLUMN(fed_personal_row_t, clients, "1", "clients with holdout samples"),
    FED_INTEGER_COLUMN(fed_personal_row_t, samples, "1", "holdout samples of all clients"),
    SPREAD(fed_personal_row_t, before, "of the global model on each client's holdout samples"),
    SPREAD(fed_personal_row_t, after, "of each client's fine-tuned model on its holdout samples"),
};

static const fed_column_t centralized_columns[] = {
    FED_INTEGER_COLUMN(fed_centralized_row_t, epoch, "1", "number of the epoch, from 1"),
    MEASURE(fed_centralized_row_t, train, "on the pooled samples, while it trained"),
    MEASURE(fed_centralized_row_t, test, "on the test set after the epoch"),
    MEASURE(fed_centralized_row_t, validation, "on the validation samples after the epoch; NaN: none"),
    FED_REAL_COLUMN(fed_centralized_row_t, train_seconds, "s", "processor time of the epoch's training"),
};
/* clang-format on */

const fed_table_t fed_round_table = {
    .path = "federated/rounds",
    .help = "one row a communication round",
    FED_COLUMNS(round_columns),
    .row_bytes = sizeof(fed_round_row_t),
    .cells_offset = offsetof(fed_round_row_t, cells),
};
const fed_table_t fed_client_table = {
    .path = "federated/clients",
    .help = "one row for each client that took part in a round",
    FED_COLUMNS(client_columns),
    .row_bytes = sizeof(fed_client_row_t),
    .cells_offset = sizeof(fed_client_row_t),
};
const fed_table_t fed_local_epoch_table = {
    .path = "federated/local_epochs",
    .help = "one row for each local epoch of the tracked clients",
    FED_COLUMNS(local_epoch_columns),
    .row_bytes = sizeof(fed_local_epoch_row_t),
};
const fed_table_t fed_personal_table = {
    .path = "federated/personalization",
    .help = "one row an evaluated round: the clients' own view, with partition.holdout",
    FED_COLUMNS(personal_columns),
    .row_bytes = sizeof(fed_personal_row_t),
};
const fed_table_t fed_privacy_table = {
    .path = "privacy/rounds",
    .help = "one row a round under differential privacy: what all rounds up to it cost together",
    FED_COLUMNS(privacy_columns),
    .row_bytes = sizeof(fed_privacy_row_t),
};
const fed_table_t fed_centralized_table = {
    .path = "centralized/epochs",
    .help = "one row an epoch of the centralized baseline",
    FED_COLUMNS(centralized_columns),
    .row_bytes = sizeof(fed_centralized_row_t),
};
