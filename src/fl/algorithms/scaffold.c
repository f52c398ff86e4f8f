/* SCAFFOLD: Karimireddy et al. 2020, "SCAFFOLD: Stochastic Controlled Averaging for
 * Federated Learning", Algorithm 1. The server's control c and a client's c_k estimate
 * the gradients of the joint and of the client's loss; their difference takes the
 * client's drift out of its steps. c stays the average of all c_k, with the weights of
 * federated.weighting; "uniform" is the paper's. */
#include "algorithms.h"

#include "fedmpi/fl/client.h"

#include <string.h>

static const fed_slot_t joint_control = {FED_OWNER_DOWN, "control", 0}; /* c */
static const fed_slot_t own_control = {FED_OWNER_CLIENT, "control", 0}; /* c_k */
static const fed_slot_t control_change = {FED_OWNER_UP, "control", 0};  /* c_k' - c_k */

enum { OPTION_1, OPTION_2 };

typedef struct options {
    int scaffold_option;
} options_t;

static const char *const option_words[] = {[OPTION_1] = "1", [OPTION_2] = "2", NULL};

static const fed_key_t keys[] = {
    FED_CHOICE(options_t, scaffold_option, option_words, "2",
               "scaffold: a client's new control is its gradient at the global model (1) or what "
               "its steps amount to (2)"),
};

static const fed_key_group_t scaffold_keys = FED_KEY_GROUP("federated", options_t, keys);

static int option_of(const fed_config_t *config) {
    return ((const options_t *)fed_config_options(config, &scaffold_keys))->scaffold_option;
}

static fed_status_t check(const fed_config_t *config) {
    if (option_of(config) != OPTION_2)
        return FED_OK;
    FED_TRY(fed_optimizer_must_be_sgd(config, "scaffold's option 2"));
    if (fed_momentum_persists(config))
        return fed_config_fail(config, "training.persistent_momentum",
                               "scaffold's option 2 counts on momentum that starts from zero each "
                               "round; federated.scaffold_option = 1 does not");
    return FED_OK;
}

static void correct(const fed_client_t *client, size_t first, size_t count, float *g) {
    const float *joint = fed_client_down(client, &joint_control) + first;
    const float *own = fed_client_state(client, &own_control) + first;
    for (size_t j = 0; j < count; j++)
        g[j] += joint[j] - own[j];
}

/* c_k' = c_k - c + (w - w_k) / (learning rate * steps); with momentum, "steps" is what
 * the gradients of all steps weigh in w - w_k, which without it is their number. */
static void renew_from_update(const fed_client_t *client, const float *old, float *renewed) {
    const fed_training_t *training = client->training;
    const float *joint = fed_client_down(client, &joint_control), *w = client->w;
    double gradients = fed_client_gradients(client->trainer->config, client->steps);
    float rate = (float)(1 / ((double)training->sgd.learning_rate * gradients));
    for (size_t j = 0; j < training->model->parameters; j++)
        renewed[j] = old[j] - joint[j] + (w[j] - training->w[j]) * rate;
}

static void finish(fed_client_t *client) {
    fed_training_t *training = client->training;
    const fed_client_task_t *task = client->task;
    size_t bytes = training->model->parameters * sizeof(float);
    float *old = training->v, *own = fed_client_state(client, &own_control);
    memcpy(old, own, bytes);
    fed_client_send_slot(client, &control_change, own, old);
    if (client->steps == 0)
        return;
    if (option_of(client->trainer->config) == OPTION_1) {
        fed_training_gradient(training, client->w, task->samples, task->count,
                              fed_client_stream(task, 0));
        memcpy(own, training->g, bytes);
    } else
        renew_from_update(client, old, own);
}

static void aggregate(const fed_aggregate_t *round) {
    float *joint = fed_round_down(round, &joint_control);
    const double *change = fed_round_up(round, &control_change);
    for (size_t j = 0; j < round->slots->parameters; j++)
        joint[j] = (float)((double)joint[j] + round->share * change[j]);
}

const fed_algorithm_t fed_algorithm_scaffold = {
    .plugin = {.name = "scaffold",
               .summary = "control variates against client drift (Karimireddy et al. 2020)",
               .keys = {&scaffold_keys}},
    .tells = "changes of the clients' controls",
    FED_SLOTS(&joint_control, &own_control, &control_change),
    .check = check,
    .correct = correct,
    .finish = finish,
    .aggregate = aggregate,
};
