/* Label skew by Dirichlet distributions, in the two forms that go by that name.
 *
 * client_mixture: Hsu, Qi and Brown 2019, "Measuring the effects of non-identical data
 * distribution for federated visual classification" (arXiv 1909.06335), section 3. Each
 * client draws a mixture of classes q ~ Dir(alpha p), p the classes' shares of the
 * training set, then each of its samples' classes from q, without replacement; classes
 * that have run out drop out of q. Clients have equal sizes. The concentration of a
 * class is alpha p_c, so with 10 equal classes alpha = 1 is 0.1 for each.
 *
 * class_split: Yurochkin et al. 2019, "Bayesian nonparametric federated learning of
 * neural networks" (ICML), and Li et al. 2021, "Federated learning on non-IID data
 * silos" (arXiv 2102.02079), section IV-A; the form in most frameworks. Each class is
 * dealt over the clients in proportions drawn from Dir_K(alpha, ..., alpha), so that
 * sizes differ too. Where those papers' codes draw again until every client has 10
 * samples, partition.min_samples moves samples instead: that always ends. */
#include "schemes.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/config/purposes.h"
#include "fedmpi/core/distributions.h"
#include "fedmpi/core/memory.h"
#include "piles.h"

enum { CLIENT_MIXTURE, CLASS_SPLIT };

typedef struct options {
    int dirichlet_form;
    double alpha;
} options_t;

static const char *const form_words[] = {
    [CLIENT_MIXTURE] = "client_mixture",
    [CLASS_SPLIT] = "class_split",
    NULL,
};

/* clang-format off */
static const fed_key_t keys[] = {
    FED_CHOICE(options_t, dirichlet_form, form_words, "client_mixture", "dirichlet: a class mixture a client, equal sizes (Hsu et al. 2019), or each class dealt over clients, unequal sizes, see min_samples (Li et al. 2021)"),
    FED_REAL(options_t, alpha, 0, 1e9, "0.5", "dirichlet: concentration; small: few classes a client, large: iid", .above_minimum = true),
};
/* clang-format on */

static const fed_key_group_t dirichlet_keys = FED_KEY_GROUP("partition", options_t, keys);

static const options_t *options_of(const fed_config_t *config) {
    return fed_config_options(config, &dirichlet_keys);
}

static fed_stream_t stream_for(const fed_config_t *config, fed_purpose_t purpose) {
    return (fed_stream_t){.seed = fed_seed(config), .purpose = purpose};
}

/* The class whose part of the line 0 .. sum of weights holds `at`. */
static size_t find_class(const double *weights, size_t classes, double at) {
    size_t found = 0;
    for (size_t c = 0; c < classes; c++) {
        if (weights[c] > 0)
            found = c;
        if (weights[c] > 0 && at < weights[c])
            return c;
        at -= weights[c];
    }
    return found; /* the last part, missed by rounding */
}

static double sum_of(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

/* A client's mixture can be so sharp that all its weight is on classes that ran out:
 * what is left then decides by itself. */
static void drop_empty_classes(const size_t *left, size_t classes, double *mixture) {
    for (size_t c = 0; c < classes; c++)
        if (left[c] == 0)
            mixture[c] = 0;
    if (sum_of(mixture, classes) > 0)
        return;
    for (size_t c = 0; c < classes; c++)
        mixture[c] = (double)left[c];
}

static void pick_samples(const fed_config_t *config, size_t client, size_t samples, size_t classes,
                         double *mixture, size_t *left, uint32_t *counts) {
    fed_stream_t stream = stream_for(config, FED_RANDOM_PICKS);
    stream.who = (uint32_t)client;
    drop_empty_classes(left, classes, mixture);
    for (size_t i = 0; i < samples; i++) {
        double at = fed_random_uniform(&stream, (uint32_t)i) * sum_of(mixture, classes);
        size_t c = find_class(mixture, classes, at);
        counts[c]++;
        if (--left[c] == 0)
            drop_empty_classes(left, classes, mixture);
    }
}

static void draw_client_mixtures(const fed_config_t *config, const fed_piles_t *piles,
                                 size_t clients, size_t total, uint32_t *counts) {
    size_t classes = piles->count, there = piles->first[classes];
    FED_AUTOFREE double *prior = FED_NEW_ARRAY(double, classes);
    FED_AUTOFREE double *mixture = FED_NEW_ARRAY(double, classes);
    FED_AUTOFREE size_t *left = FED_NEW_ARRAY(size_t, classes);
    for (size_t c = 0; c < classes; c++) {
        left[c] = fed_piles_size(piles, c);
        /* A class without samples: any tiny concentration; it drops out at once. */
        double share = left[c] ? (double)left[c] / (double)there : 0x1p-20;
        prior[c] = options_of(config)->alpha * share;
    }
    fed_stream_t stream = stream_for(config, FED_RANDOM_SHARES);
    for (size_t k = 0; k < clients; k++) {
        size_t samples = (k + 1) * total / clients - k * total / clients;
        stream.who = (uint32_t)k;
        fed_random_dirichlet(&stream, 0, classes, prior, mixture);
        pick_samples(config, k, samples, classes, mixture, left, counts + k * classes);
    }
}

static fed_status_t split_classes(const fed_config_t *config, const fed_piles_t *piles,
                                  size_t clients, uint32_t *counts) {
    FED_AUTOFREE double *alpha = FED_NEW_ARRAY(double, clients);
    FED_AUTOFREE double *shares = FED_NEW_ARRAY(double, clients);
    for (size_t k = 0; k < clients; k++)
        alpha[k] = options_of(config)->alpha;
    for (size_t c = 0; c < piles->count; c++) {
        fed_stream_t stream = stream_for(config, FED_RANDOM_SHARES);
        stream.which = (uint32_t)c;
        fed_random_dirichlet(&stream, 0, clients, alpha, shares);
        fed_piles_apportion(clients, shares, fed_piles_size(piles, c), piles->count, counts + c);
    }
    return fed_piles_level(config, clients, piles->count, counts);
}

static fed_status_t deal(const fed_config_t *config, const fed_labels_t *labels,
                         fed_partition_t *partition) {
    bool mixtures = options_of(config)->dirichlet_form == CLIENT_MIXTURE;
    size_t clients = (size_t)fed_partition_options(config)->clients, total;
    FED_TRY(fed_piles_supply(config, labels, &total));
    fed_piles_t piles;
    fed_piles_init(&piles, labels, mixtures ? labels->count : total, true, fed_seed(config));
    FED_AUTOFREE uint32_t *counts = FED_NEW_ARRAY(uint32_t, clients * piles.count);
    fed_status_t status = FED_OK;
    if (mixtures)
        draw_client_mixtures(config, &piles, clients, total, counts);
    else
        status = split_classes(config, &piles, clients, counts);
    if (status == FED_OK)
        fed_piles_deal(&piles, clients, counts, partition);
    fed_piles_fini(&piles);
    return status;
}

const fed_partition_scheme_t fed_scheme_dirichlet = {
    .plugin = {.name = "dirichlet",
               .summary = "label skew: Dirichlet class mixtures of clients (Hsu et al. 2019), or "
                          "classes dealt by Dirichlet shares (Li et al. 2021)",
               .keys = {&dirichlet_keys, &fed_levelling_keys}},
    .deal = deal,
};
