/* The closing table. */
#include "fedmpi/run/summary.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/core/clock.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/core/text.h"

#include <math.h>
#include <stdio.h>

void fed_totals_add(fed_totals_t *totals, const fed_round_row_t *row) {
    totals->rounds++;
    totals->train = row->train;
    if (!isnan(row->test.accuracy)) {
        totals->test = row->test;
        totals->validation = row->validation;
    }
    totals->wall_seconds += row->wall_seconds;
    totals->train_seconds += row->train_seconds;
    totals->bytes_down += row->bytes_down;
    totals->bytes_up += row->bytes_up;
}

static void print_number(double value) {
    if (isnan(value))
        printf("  %11s", "-");
    else
        printf("  %11.4f", value);
}

static void print_line(const char *what, double federated, double centralized) {
    if (isnan(federated) && isnan(centralized))
        return;
    printf("  %-20s", what);
    print_number(federated);
    print_number(centralized);
    if (!isnan(federated) && !isnan(centralized))
        printf("  %+11.4f", federated - centralized);
    putchar('\n');
}

static void print_measures(const fed_totals_t *federated,
                           const fed_centralized_row_t *centralized) {
    printf("  %-20s  %11s  %11s  %11s\n", "", "federated", "centralized", "difference");
    print_line("test accuracy", federated->test.accuracy, centralized->test.accuracy);
    print_line("test loss", federated->test.loss, centralized->test.loss);
    print_line("validation accuracy", federated->validation.accuracy,
               centralized->validation.accuracy);
    print_line("training accuracy", federated->train.accuracy, centralized->train.accuracy);
    print_line("training loss", federated->train.loss, centralized->train.loss);
}

void fed_summary_print(const fed_federation_t *federation) {
    const fed_config_t *config = &federation->run->config;
    const fed_server_t *server = federation->server;
    static const fed_measure_t none = {NAN, NAN};
    fed_totals_t federated = server->totals;
    fed_centralized_row_t centralized = {.train = none, .test = none, .validation = none};
    if (server->centralized.rows)
        centralized = server->centralized.rows[server->centralized.epochs - 1];
    if (federated.rounds == 0)
        federated = (fed_totals_t){.train = none, .test = none, .validation = none};

    printf("\n%s: %s on %s, seed %lld\n", fed_experiment_options(config)->name,
           fed_model_options(config)->type->name, fed_data_options(config)->dataset->name,
           (long long)fed_experiment_options(config)->seed);
    print_measures(&federated, &centralized);
    if (federated.rounds > 0) {
        char bytes_down[16], bytes_up[16];
        fed_text_bytes(bytes_down, (double)federated.bytes_down);
        fed_text_bytes(bytes_up, (double)federated.bytes_up);
        printf("  %lld rounds in %.2f s, %.2f s of them training; clients received %s, sent %s\n",
               (long long)federated.rounds, federated.wall_seconds, federated.train_seconds,
               bytes_down, bytes_up);
    }
    if (server->spending.config && federated.rounds > 0) {
        FED_AUTOFREE char *spent =
            fed_spending_say(&server->spending.epsilon, fed_promise_options(config)->delta);
        printf("  privacy of %s: %s\n", fed_spending_members(server->spending.privacy), spent);
    }
    printf("  results: %s\n", fed_output_options(config)->file);
}
