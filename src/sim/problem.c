/* What a problem says of its clients. */
#include "fedmpi/sim/problem.h"

#include "fedmpi/fl/client.h"
#include "fedmpi/sim/federated.h"

bool fed_problem_tracks(const fed_problem_t *problem, uint32_t client) {
    const fed_list_t *tracked = &fed_federated_options(problem->config)->tracked_clients;
    for (size_t i = 0; i < tracked->count; i++)
        if (tracked->values[i] == client)
            return true;
    return false;
}

size_t fed_problem_epochs(const fed_problem_t *problem, uint32_t client) {
    return (size_t)fed_client_epochs(problem->method->algorithm, problem->config,
                                     fed_partition_count(problem->partition, client));
}

size_t fed_problem_cost(const fed_problem_t *problem, uint32_t client) {
    size_t samples = fed_partition_count(problem->partition, client);
    size_t epochs = fed_problem_epochs(problem, client);
    size_t cost = epochs * samples + (size_t)fed_training_options(problem->config)->batch_size;
    if (fed_problem_tracks(problem, client)) /* inference takes a third of a training step */
        cost += epochs * problem->dataset->test.count / 3;
    return cost;
}
