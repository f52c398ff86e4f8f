/* Krum: Blanchard et al. 2017, "Machine Learning with Adversaries: Byzantine Tolerant
 * Gradient Descent", section 4. A client's score is the sum of the squared distances to
 * the n - f - 2 clients that are closest to it. */
#include "rules.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/sort.h"

#include <string.h>

static double block_distance(size_t width, const float *restrict a, const float *restrict b) {
    enum { PARTS = 16 };
    double parts[PARTS] = {0}, sum = 0;
    size_t j = 0;
    for (; j + PARTS <= width; j += PARTS)
        for (size_t part = 0; part < PARTS; part++) {
            double difference = (double)a[j + part] - (double)b[j + part];
            parts[part] += difference * difference;
        }
    for (size_t part = 0; j < width; j++, part++) {
        double difference = (double)a[j] - (double)b[j];
        parts[part] += difference * difference;
    }
    for (size_t part = 0; part < PARTS; part++)
        sum += parts[part];
    return sum;
}

static size_t count_distances(size_t clients) {
    return clients * clients;
}

/* Distances grow block by block: memory [clients][clients], symmetric. */
static void see(fed_look_t *look, size_t first, size_t width, float *values) {
    size_t clients = look->clients;
    (void)first;
    for (size_t at = 0; at < width; at += FED_LOOK_BLOCK) {
        size_t count = width - at < FED_LOOK_BLOCK ? width - at : FED_LOOK_BLOCK;
        for (size_t a = 0; a < clients; a++)
            for (size_t b = 0; b < a; b++) {
                look->memory[a * clients + b] +=
                    block_distance(count, values + a * width + at, values + b * width + at);
                look->memory[b * clients + a] = look->memory[a * clients + b];
            }
    }
}

/* scores[out] [clients] */
static void score(const fed_look_t *look, double *scores) {
    size_t clients = look->clients;
    size_t neighbours = clients > look->tolerated + 2 ? clients - look->tolerated - 2 : 1;
    FED_AUTOFREE double *distances = FED_NEW_ARRAY(double, clients);
    for (size_t k = 0; k < clients; k++) {
        memcpy(distances, look->memory + k * clients, clients * sizeof *distances);
        fed_sort_doubles(distances, clients);
        for (size_t i = 1; i <= neighbours && i < clients; i++) /* the first is itself, 0 */
            scores[k] += distances[i];
    }
}

/* The `wanted` clients with the lowest scores; of equal ones the first. */
static void weigh_best(const fed_look_t *look, size_t wanted, double *weights) {
    size_t clients = look->clients;
    FED_AUTOFREE double *scores = FED_NEW_ARRAY(double, clients);
    score(look, scores);
    for (size_t i = 0; i < wanted; i++) {
        size_t best = clients;
        for (size_t k = 0; k < clients; k++)
            if (weights[k] == 0 && (best == clients || scores[k] < scores[best]))
                best = k;
        weights[best] = 1 / (double)wanted;
    }
}

static void weigh_krum(const fed_look_t *look, double *weights) {
    weigh_best(look, 1, weights);
}

static void weigh_multi_krum(const fed_look_t *look, double *weights) {
    weigh_best(look, look->clients - look->tolerated, weights);
}

static fed_status_t check(const fed_config_t *config, size_t clients, size_t tolerated) {
    if (clients < 2 * tolerated + 3)
        return fed_config_fail(config, "federated.aggregation",
                               "needs 2 f + 3 clients a round; federated.tolerated makes f = %zu "
                               "of %zu",
                               tolerated, clients);
    return FED_OK;
}

const fed_aggregation_t fed_rule_krum = {
    .plugin = {.name = "krum",
               .summary = "the vectors of the client closest to its neighbours (Blanchard et al. "
                          "2017)",
               .keys = {&fed_tolerance_keys}},
    .check = check,
    .see = see,
    .weigh = weigh_krum,
    .memory = count_distances,
};

const fed_aggregation_t fed_rule_multi_krum = {
    .plugin = {.name = "multi_krum",
               .summary = "the mean of the n - f clients with the best Krum scores, see "
                          "federated.tolerated (Blanchard et al. 2017)",
               .keys = {&fed_tolerance_keys}},
    .check = check,
    .see = see,
    .weigh = weigh_multi_krum,
    .memory = count_distances,
};
