/* The columns of the results file's tables. */
#include "fedmpi/core/records.h"

#define INTEGER(row, field, unit, help)                                                            \
    { #field, FED_COLUMN_INTEGER, offsetof(row, field), unit, help }
#define REAL(row, field, unit, help)                                                               \
    { #field, FED_COLUMN_REAL, offsetof(row, field), unit, help }
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
         "mean accuracy of the worst tenth of the clients, " what},                                \
    {                                                                                              \
#field "_deviation", FED_COLUMN_REAL, offsetof(row, field.deviation), "1",                 \
            "standard deviation over clients of the accuracy " what                                \
    }

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* clang-format off */
static const fed_column_t round_columns[] = {
    INTEGER(fed_round_row_t, round, "1", "number of the round, from 1"),
    INTEGER(fed_round_row_t, drawn, "1", "clients drawn, with those that did not answer"),
    INTEGER(fed_round_row_t, participants, "1", "clients that took part"),
    INTEGER(fed_round_row_t, diverged, "1", "clients that diverged and were left out of the average"),
    INTEGER(fed_round_row_t, samples, "1", "training samples that they hold together"),
    MEASURE(fed_round_row_t, train, "of the participants in their last local epoch, while it trained"),
    MEASURE(fed_round_row_t, test, "of the new global model on the test set; NaN: not evaluated"),
    MEASURE(fed_round_row_t, validation, "of the new global model on the held-out samples; NaN: none"),
    REAL(fed_round_row_t, update_norm, "1", "L2 norm of the averaged update"),
    REAL(fed_round_row_t, wall_seconds, "s", "from the selection to the evaluation"),
    REAL(fed_round_row_t, train_seconds, "s", "until the last rank had trained its clients"),
    REAL(fed_round_row_t, bcast_seconds, "s", "sending the new global parameters"),
    REAL(fed_round_row_t, gather_seconds, "s", "bringing the sums of updates to the server"),
    REAL(fed_round_row_t, aggregate_seconds, "s", "decoding and server step"),
    REAL(fed_round_row_t, evaluate_seconds, "s", "evaluating the new global model on all ranks that have a core"),
    REAL(fed_round_row_t, finish_spread_seconds, "s", "training time of the worker with most less that of the worker with least"),
    INTEGER(fed_round_row_t, bytes_down, "B", "global parameters for the clients that were drawn"),
    INTEGER(fed_round_row_t, bytes_up, "B", "updates of the clients that took part"),
};

static const fed_column_t client_columns[] = {
    INTEGER(fed_client_row_t, round, "1", "number of the round, from 1"),
    INTEGER(fed_client_row_t, client, "1", "number of the client, from 0"),
    INTEGER(fed_client_row_t, rank, "1", "MPI rank that trained it"),
    INTEGER(fed_client_row_t, samples, "1", "training samples that it holds"),
    INTEGER(fed_client_row_t, steps, "1", "mini-batches of this round"),
    REAL(fed_client_row_t, weight, "1", "its share of the round's average"),
    INTEGER(fed_client_row_t, diverged, "1", "1: it diverged and was left out of the average"),
    INTEGER(fed_client_row_t, byzantine, "1", "1: a simulated attacker"),
    MEASURE(fed_client_row_t, train, "in its last local epoch, while it trained"),
    REAL(fed_client_row_t, update_norm, "1", "L2 norm of its update"),
    REAL(fed_client_row_t, train_seconds, "s", "its local training"),
};

static const fed_column_t local_epoch_columns[] = {
    INTEGER(fed_local_epoch_row_t, round, "1", "number of the round, from 1"),
    INTEGER(fed_local_epoch_row_t, client, "1", "number of the client, from 0"),
    INTEGER(fed_local_epoch_row_t, epoch, "1", "local epoch of this round, from 1"),
    MEASURE(fed_local_epoch_row_t, train, "on the client's samples, while it trained"),
    MEASURE(fed_local_epoch_row_t, test, "of the client's own model on the test set after the epoch"),
};

static const fed_column_t personal_columns[] = {
    INTEGER(fed_personal_row_t, round, "1", "number of the round, from 1"),
    INTEGER(fed_personal_row_t, clients, "1", "clients with held-out samples"),
    INTEGER(fed_personal_row_t, samples, "1", "held-out samples of all clients"),
    SPREAD(fed_personal_row_t, before, "of the global model on each client's held-out samples"),
    SPREAD(fed_personal_row_t, after, "of each client's fine-tuned model on its held-out samples"),
};

static const fed_column_t central_columns[] = {
    INTEGER(fed_central_row_t, epoch, "1", "number of the epoch, from 1"),
    MEASURE(fed_central_row_t, train, "on the pooled samples, while it trained"),
    MEASURE(fed_central_row_t, test, "on the test set after the epoch"),
    MEASURE(fed_central_row_t, validation, "on the held-out samples after the epoch; NaN: none"),
    REAL(fed_central_row_t, train_seconds, "s", "processor time of the epoch's training"),
};

static const fed_column_t partition_columns[] = {
    INTEGER(fed_partition_row_t, client, "1", "number of the client, from 0"),
    INTEGER(fed_partition_row_t, samples, "1", "training samples that it holds"),
    REAL(fed_partition_row_t, emd, "1", "earth mover's distance: sum over classes of |its share - the share in all clients|; NaN: generated samples"),
    REAL(fed_partition_row_t, effective_classes, "1", "exp(entropy of its label distribution); NaN: generated samples"),
};
/* clang-format on */

const fed_table_t fed_round_table = {
    .path = "federated/rounds",
    .help = "one row a communication round",
    .columns = round_columns,
    .column_count = COUNT(round_columns),
    .row_bytes = sizeof(fed_round_row_t),
};
const fed_table_t fed_client_table = {
    .path = "federated/clients",
    .help = "one row for each client that took part in a round",
    .columns = client_columns,
    .column_count = COUNT(client_columns),
    .row_bytes = sizeof(fed_client_row_t),
};
const fed_table_t fed_local_epoch_table = {
    .path = "federated/local_epochs",
    .help = "one row for each local epoch of the tracked clients",
    .columns = local_epoch_columns,
    .column_count = COUNT(local_epoch_columns),
    .row_bytes = sizeof(fed_local_epoch_row_t),
};
const fed_table_t fed_personal_table = {
    .path = "federated/personalization",
    .help = "one row an evaluated round: the clients' own view, with partition.holdout",
    .columns = personal_columns,
    .column_count = COUNT(personal_columns),
    .row_bytes = sizeof(fed_personal_row_t),
};
const fed_table_t fed_central_table = {
    .path = "centralized/epochs",
    .help = "one row an epoch of the centralized baseline",
    .columns = central_columns,
    .column_count = COUNT(central_columns),
    .row_bytes = sizeof(fed_central_row_t),
};
const fed_table_t fed_partition_table = {
    .path = "partition/clients",
    .help = "one row for each client: how much it holds and how skewed",
    .columns = partition_columns,
    .column_count = COUNT(partition_columns),
    .row_bytes = sizeof(fed_partition_row_t),
    .compressed = true,
};
