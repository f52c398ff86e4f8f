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

void fed_aggregation_add_distances(size_t clients, size_t width, const float *values,
                                   double *distances) {
    for (size_t first = 0; first < width; first += FED_DISTANCE_BLOCK) {
        size_t count = width - first < FED_DISTANCE_BLOCK ? width - first : FED_DISTANCE_BLOCK;
        for (size_t a = 0; a < clients; a++)
            for (size_t b = 0; b < a; b++) {
                distances[a * clients + b] +=
                    block_distance(count, values + a * width + first, values + b * width + first);
                distances[b * clients + a] = distances[a * clients + b];
            }
    }
}

/* scores[out] [clients] */
static void score(size_t tolerated, size_t clients, const double *distances, double *scores) {
    size_t neighbours = clients > tolerated + 2 ? clients - tolerated - 2 : 1;
    FED_AUTOFREE double *row = FED_NEW_ARRAY(double, clients);
    for (size_t k = 0; k < clients; k++) {
        memcpy(row, distances + k * clients, clients * sizeof *row);
        fed_sort_doubles(row, clients);
        for (size_t i = 1; i <= neighbours && i < clients; i++) /* row[0] is itself, 0 */
            scores[k] += row[i];
    }
}

/* The `wanted` clients with the lowest scores; of equal ones the first. */
static void choose_best(size_t tolerated, size_t wanted, size_t clients, const double *distances,
                        bool *chosen) {
    FED_AUTOFREE double *scores = FED_NEW_ARRAY(double, clients);
    score(tolerated, clients, distances, scores);
    memset(chosen, 0, clients * sizeof *chosen);
    for (size_t i = 0; i < wanted; i++) {
        size_t best = clients;
        for (size_t k = 0; k < clients; k++)
            if (!chosen[k] && (best == clients || scores[k] < scores[best]))
                best = k;
        chosen[best] = true;
    }
}

static void krum(size_t tolerated, size_t clients, const double *distances, bool *chosen) {
    choose_best(tolerated, 1, clients, distances, chosen);
}

static void multi_krum(size_t tolerated, size_t clients, const double *distances, bool *chosen) {
    choose_best(tolerated, clients - tolerated, clients, distances, chosen);
}

const fed_aggregation_t fed_rule_krum = {
    .plugin = {.name = "krum",
               .summary = "the vectors of the client closest to its neighbours (Blanchard et al. "
                          "2017)",
               .keys = {&fed_tolerance_keys}},
    .choose = krum,
};

const fed_aggregation_t fed_rule_multi_krum = {
    .plugin = {.name = "multi_krum",
               .summary = "the mean of the n - f clients with the best Krum scores, see "
                          "federated.tolerated (Blanchard et al. 2017)",
               .keys = {&fed_tolerance_keys}},
    .choose = multi_krum,
};
