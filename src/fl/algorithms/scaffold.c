/* SCAFFOLD: Karimireddy et al. 2020, "SCAFFOLD: Stochastic Controlled Averaging for
 * Federated Learning", Algorithm 1. The server's control c and a client's c_k estimate
 * the gradients of the joint and of the client's loss; their difference takes the
 * client's drift out of its steps. c stays the average of all c_k, with the weights of
 * federated.weighting; "uniform" is the paper's. */
#include "algorithms.h"

#include "fedmpi/fl/client.h"

#include <string.h>

enum { OPTION_1, OPTION_2 }; /* federated.scaffold_option */

static fed_status_t check(const fed_config_t *config) {
    if (config->federated.scaffold_option == OPTION_2 && config->training.persistent_momentum)
        return fed_config_fail(config, "training.persistent_momentum",
                               "scaffold's option 2 counts on momentum that starts from zero each "
                               "round; federated.scaffold_option = 1 does not");
    return FED_OK;
}

static void correct(const fed_client_t *client, size_t first, size_t count, float *g) {
    const float *server = client->down + client->training->model->parameters + first;
    const float *own = client->kept + first;
    for (size_t j = 0; j < count; j++)
        g[j] += server[j] - own[j];
}

/* c_k' = c_k - c + (w - w_k) / (learning rate * steps); with momentum, "steps" is what
 * the gradients of all steps weigh in w - w_k, which without it is their number. */
static void renew_from_update(const fed_client_t *client, const float *old, float *renewed) {
    const fed_training_t *training = client->training;
    size_t n = training->model->parameters;
    const float *server = client->down + n, *w = client->down;
    double gradients = fed_client_gradients(client->trainer->config, client->steps);
    float rate = (float)(1 / ((double)training->sgd.learning_rate * gradients));
    for (size_t j = 0; j < n; j++)
        renewed[j] = old[j] - server[j] + (w[j] - training->w[j]) * rate;
}

static void finish(fed_client_t *client) {
    fed_training_t *training = client->training;
    const fed_client_task_t *task = client->task;
    size_t bytes = training->model->parameters * sizeof(float);
    float *old = training->v, *own = client->kept;
    memcpy(old, own, bytes);
    client->up[1] = (fed_difference_t){own, old};
    if (client->steps == 0)
        return;
    if (client->trainer->config->federated.scaffold_option == OPTION_1) {
        fed_training_gradient(training, client->down, task->samples, task->count,
                              fed_client_stream(task, 0));
        memcpy(own, training->g, bytes);
    } else
        renew_from_update(client, old, own);
}

static void aggregate(const fed_aggregate_t *round) {
    size_t n = round->parameters;
    float *server = round->down + n;
    for (size_t j = 0; j < n; j++)
        server[j] = (float)((double)server[j] + round->share * round->up[n + j]);
}

const fed_algorithm_t fed_algorithm_scaffold = {
    .plugin = {"scaffold", "control variates against client drift (Karimireddy et al. 2020)"},
    .vectors = {.down = 2, .up = 2, .kept = 1},
    .check = check,
    .correct = correct,
    .finish = finish,
    .aggregate = aggregate,
};
