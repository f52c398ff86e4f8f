/* FedSGD: McMahan et al. 2017, section 2: each client makes one step with the gradient
 * of all its samples, so that the average is a step on the participants' joint loss. */
#include "algorithms.h"

#include "fedmpi/fl/client.h"

static fed_status_t train(fed_client_t *client) {
    const fed_client_task_t *task = client->task;
    fed_training_gradient(client->training, client->training->w, task->samples, task->count,
                          fed_client_stream(task, 0));
    fed_training_step_on_gradient(client->training);
    client->steps = 1;
    return FED_OK;
}

static fed_status_t check(const fed_config_t *config) {
    return fed_optimizer_must_be_sgd(config, "fedsgd");
}

const fed_algorithm_t fed_algorithm_fedsgd = {
    .plugin = {.name = "fedsgd",
               .summary =
                   "one step a round with each client's full gradient (McMahan et al. 2017)"},
    .check = check,
    .train = train,
};
