/* Weights of clients. */
#include "fedmpi/sim/weights.h"

#include "fedmpi/sim/federated.h"

static bool by_samples(const fed_problem_t *problem) {
    return fed_federated_options(problem->config)->weighting == FED_WEIGHT_SAMPLES;
}

static size_t samples_of(const fed_problem_t *problem, const uint32_t *chosen, size_t count) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += fed_partition_count(problem->partition, chosen[i]);
    return total;
}

fed_status_t fed_weights_check(const fed_config_t *config, const fed_method_t *method) {
    const fed_mechanism_plugin_t *mechanism = method->privacy.mechanism;
    if (!mechanism->is_private || fed_federated_options(config)->weighting == FED_WEIGHT_UNIFORM)
        return FED_OK;
    return fed_config_fail(config, "federated.weighting",
                           "privacy.mechanism = %s bounds what any client counts for, whatever it "
                           "holds; accepted is uniform",
                           mechanism->plugin.name);
}

void fed_weights(const fed_problem_t *problem, const uint32_t *chosen, size_t count,
                 double *weights) {
    const fed_privacy_t *privacy = &problem->method->privacy;
    size_t total = samples_of(problem, chosen, count);
    for (size_t i = 0; i < count; i++)
        if (privacy->mechanism->is_private)
            weights[i] = 1 / privacy->expected;
        else if (!by_samples(problem))
            weights[i] = 1.0 / (double)count;
        else if (total > 0)
            weights[i] = (double)fed_partition_count(problem->partition, chosen[i]) / (double)total;
        else
            weights[i] = 0;
}

double fed_weights_share(const fed_problem_t *problem, const uint32_t *chosen, size_t count) {
    if (by_samples(problem))
        return (double)samples_of(problem, chosen, count) /
               (double)fed_partition_total(problem->partition);
    return (double)count / (double)problem->partition->clients;
}

size_t fed_weights_unit(const fed_problem_t *problem, uint32_t client) {
    return by_samples(problem) ? fed_partition_count(problem->partition, client) : 1;
}
