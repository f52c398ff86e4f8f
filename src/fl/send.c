/* From a client's vectors to sums, or to a row of their own. */
#include "send.h"

#include "fedmpi/math/fixed.h"

#include <math.h>

/* L2 norm of to - from; its order of summation is part of the result. */
static double norm_of(size_t n, const fed_difference_t *vector) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        double difference = (double)vector->to[j] - (double)vector->from[j];
        sum += difference * difference;
    }
    return sqrt(sum);
}

/* The factor that brings the client's update to the bound. */
static double bounding_factor(const fed_client_t *client) {
    double bound = client->trainer->norm_bound;
    if (bound == 0)
        return 1;
    double norm = norm_of(client->training->model->parameters, &client->up[0]);
    return norm > bound ? bound / norm : 1;
}

/* row = (to - from) * scale; false if a difference is out of range. */
static bool keep(size_t n, const fed_difference_t *vector, double scale, float *row) {
    bool in_range = true;
    for (size_t j = 0; j < n; j++) {
        double difference = (double)vector->to[j] - (double)vector->from[j];
        in_range &= fabs(difference) < FED_FIXED_LIMIT;
        row[j] = (float)(difference * scale);
    }
    return in_range;
}

static bool keep_all(const fed_client_t *client, double *norm) {
    const fed_slots_t *slots = &client->trainer->method->slots;
    bool in_range = true;
    for (size_t i = 0; i < slots->place_count; i++) {
        const fed_place_t *place = &slots->places[i];
        if (place->slot->owner == FED_OWNER_UP)
            in_range &= keep(place->count, &client->up[place->index], client->scale,
                             client->trainer->row + place->offset);
    }
    *norm = norm_of(slots->parameters, &client->up[0]);
    return in_range;
}

static bool add_weighted(const fed_client_t *client, double weight, double *norm) {
    const fed_slots_t *slots = &client->trainer->method->slots;
    bool in_range = true;
    for (size_t i = 0; i < slots->place_count; i++) {
        const fed_place_t *place = &slots->places[i];
        if (place->slot->owner != FED_OWNER_UP)
            continue;
        bool is_update = place->slot == &fed_slot_update;
        const fed_difference_t *vector = &client->up[place->index];
        double squared_norm, factor = is_update ? bounding_factor(client) : 1;
        in_range &= fed_fixed_accumulate(place->count, vector->to, vector->from, weight * factor,
                                         client->trainer->sums + place->offset, &squared_norm);
        if (is_update)
            *norm = sqrt(squared_norm);
    }
    return in_range;
}

/* A client that is to be left out must leave no trace in the sums: with weight 0 a first
 * look adds nothing. Where divergence ends the run, the sums do not matter. */
static bool add_all(const fed_client_t *client, double *norm) {
    if (client->trainer->config->federated.on_divergence == FED_DIVERGENCE_SKIPS &&
        !add_weighted(client, 0, norm))
        return false;
    return add_weighted(client, client->task->weight * client->scale, norm);
}

/* A loss that is no number is found in the parameters as a rule, but need not be. */
static bool is_measured(const fed_client_t *client) {
    return client->task->count == 0 || isfinite(fed_training_measure(client->training).loss);
}

fed_status_t fed_client_send(const fed_client_t *client, double *norm) {
    const fed_client_task_t *task = client->task;
    if (is_measured(client) &&
        (client->trainer->row ? keep_all(client, norm) : add_all(client, norm)))
        return FED_OK;
    return fed_fail(FED_DIVERGED,
                    "round %u: client %u diverged: a parameter is not a number or changed by "
                    "more than %.0f; training.learning_rate = %g is likely too large",
                    task->round, task->client, FED_FIXED_LIMIT,
                    (double)client->training->sgd.learning_rate);
}
