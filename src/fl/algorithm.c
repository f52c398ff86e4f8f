/* The table of algorithms, and what is common to all. */
#include "fl/algorithms/algorithms.h"

#include <math.h>

static const fed_plugin_t *const algorithm_entries[] = {
    &fed_algorithm_fedavg.plugin,   &fed_algorithm_fedsgd.plugin,  &fed_algorithm_fedprox.plugin,
    &fed_algorithm_scaffold.plugin, &fed_algorithm_fednova.plugin, &fed_algorithm_feddyn.plugin,
};

const fed_plugin_table_t fed_algorithms = {
    .kind = "algorithm",
    .key = "federated.algorithm",
    .entries = algorithm_entries,
    .count = sizeof algorithm_entries / sizeof *algorithm_entries,
};

fed_status_t fed_algorithm_find(const fed_config_t *config, const fed_algorithm_t **algorithm) {
    FED_TRY(fed_config_choose(config, &fed_algorithms, config->federated.algorithm,
                              (const fed_plugin_t **)algorithm));
    return (*algorithm)->check ? (*algorithm)->check(config) : FED_OK;
}

fed_vectors_t fed_algorithm_vectors(const fed_algorithm_t *algorithm,
                                    const fed_server_optimizer_t *optimizer,
                                    const fed_config_t *config) {
    fed_vectors_t vectors = algorithm->vectors;
    vectors.server += optimizer->kept;
    vectors.kept += config->training.persistent_momentum;
    return vectors;
}

void fed_algorithm_start(const fed_algorithm_t *algorithm, const fed_server_optimizer_t *optimizer,
                         const fed_config_t *config, size_t parameters, double *kept) {
    if (optimizer->start)
        optimizer->start(config, parameters, kept + algorithm->vectors.server * parameters);
}

double fed_algorithm_step(const fed_algorithm_t *algorithm, const fed_server_optimizer_t *optimizer,
                          const fed_aggregate_t *round) {
    size_t n = round->parameters;
    double squares = 0;
    if (algorithm->aggregate)
        algorithm->aggregate(round);
    for (size_t i = 0; i < n; i++)
        squares += round->up[i] * round->up[i];
    optimizer->step(round->config, n, round->up, round->kept + algorithm->vectors.server * n,
                    round->down);
    return sqrt(squares);
}
