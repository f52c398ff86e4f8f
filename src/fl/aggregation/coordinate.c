/* Rules that take each coordinate on its own: Yin et al. 2018, "Byzantine-Robust
 * Distributed Learning: Towards Optimal Statistical Rates", definitions 1 and 2. */
#include "rules.h"

#define STRIP 64 /* coordinates that are sorted together: so many columns stay in cache */

/* Sort the first count coordinates of vectors[clients][stride]: insertion, by exchanges of whole
 * vectors, which the compiler makes vector minima and maxima of. */
static void sort_coordinates(size_t clients, size_t count, size_t stride, float *vectors) {
    for (size_t i = 1; i < clients; i++)
        for (size_t k = i; k > 0; k--) {
            float *restrict low = vectors + (k - 1) * stride, *restrict high = vectors + k * stride;
            for (size_t c = 0; c < count; c++) {
                float a = low[c], b = high[c];
                low[c] = a < b ? a : b;
                high[c] = a < b ? b : a;
            }
        }
}

/* The mean of the sorted first .. last of each coordinate: middle[out] [width]. */
static void average_middle(size_t first, size_t last, size_t clients, size_t width, float *values,
                           double *middle) {
    double share = 1.0 / (double)(last - first + 1);
    for (size_t at = 0; at < width; at += STRIP) {
        size_t count = width - at < STRIP ? width - at : STRIP;
        sort_coordinates(clients, count, width, values + at);
        for (size_t c = at; c < at + count; c++) {
            double sum = 0;
            for (size_t k = first; k <= last; k++)
                sum += (double)values[k * width + c];
            middle[c] = sum * share;
        }
    }
}

static void see_median(fed_look_t *look, size_t first, size_t width, float *values) {
    size_t clients = look->clients;
    average_middle((clients - 1) / 2, clients / 2, clients, width, values, look->aggregate + first);
}

static void see_trimmed(fed_look_t *look, size_t first, size_t width, float *values) {
    average_middle(look->tolerated, look->clients - 1 - look->tolerated, look->clients, width,
                   values, look->aggregate + first);
}

const fed_aggregation_t fed_rule_median = {
    .plugin = {.name = "median",
               .summary = "the median of each coordinate, without weights (Yin et al. 2018)"},
    .see = see_median,
};

const fed_aggregation_t fed_rule_trimmed_mean = {
    .plugin = {.name = "trimmed_mean",
               .summary = "each coordinate's mean without its f smallest and f largest, see "
                          "federated.tolerated (Yin et al. 2018)",
               .keys = {&fed_tolerance_keys}},
    .see = see_trimmed,
};
