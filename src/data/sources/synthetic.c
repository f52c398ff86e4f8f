/* Synthetic(alpha, beta): Li et al. 2020, "Federated optimization in heterogeneous
 * networks" (MLSys; FedProx), section 5.1 and appendix C.1, after Shamir et al. 2014.
 *
 * Client k draws u_k ~ N(0, alpha) and B_k ~ N(0, beta), then each number of its own rule
 * W_k [10][60], b_k [10] from N(u_k, 1), and each of its mean v_k [60] from N(B_k, 1). A
 * sample is x ~ N(v_k, diag(j^-1.2)), j = 1 .. 60, with the label argmax(W_k x + b_k).
 * beta says how much the features differ. alpha does nothing: W_k x + b_k has u_k (x_1 + ...
 * + x_60 + 1) in the logit of every class, which leaves the largest where it is. So is the
 * published form; the rules are independent, and differ as much as rules can.
 *
 * With common rules there is one rule W, b ~ N(0, 1), and a client's own is W + alpha D_k,
 * D_k ~ N(0, 1): alpha says how much the rules differ, from 0, where all are the same, to
 * large, where they are independent as above. As in the authors'
 * code, alpha and beta are standard deviations (their text reads as variances, which is
 * the same for 0 and 1), and the sizes are floor(exp(4 + 2 z)) + 50, z standard normal;
 * partition.samples_per_client caps them.
 *
 * Everything is a function of (seed, client, sample), computed when it is asked for:
 * only the sizes and the test set are stored. The test set's samples come from clients
 * spread evenly over all, beyond those that these train on. */
#include "sources.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/config/purposes.h"
#include "fedmpi/core/distributions.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/data/partition.h"

#include <math.h>
#include <string.h>

enum { INDEPENDENT, COMMON };

typedef struct options {
    int synthetic_rules;
    double synthetic_alpha, synthetic_beta;
    int64_t synthetic_test_samples;
} options_t;

static const char *const rule_words[] = {
    [INDEPENDENT] = "independent",
    [COMMON] = "common",
    NULL,
};

/* clang-format off */
static const fed_key_t keys[] = {
    FED_CHOICE(options_t, synthetic_rules, rule_words, "independent", "synthetic: each client's rule by itself, as published, or a common one + synthetic_alpha times its own"),
    FED_REAL(options_t, synthetic_alpha, 0, 1e6, "1", "synthetic: with common rules their deviation from each other; with independent ones without effect, as published"),
    FED_REAL(options_t, synthetic_beta, 0, 1e6, "1", "synthetic: deviation of the clients' features from each other"),
    FED_INTEGER(options_t, synthetic_test_samples, 1, FED_COUNT_MAX, "10000", "synthetic: size of the test set, from clients spread over all"),
};
/* clang-format on */

static const fed_key_group_t synthetic_keys = FED_KEY_GROUP("data", options_t, keys);

enum { FEATURES = 60, CLASSES = 10 };

/* What a client draws its samples with. */
typedef struct rule {
    double weights[CLASSES][FEATURES];
    double bias[CLASSES];
    double mean[FEATURES];
} rule_t;

/* How many of the normal numbers of a rule have the client's u_k as mean. */
#define RULE_NUMBERS (sizeof(rule_t) / sizeof(double))
#define OF_LABELS (RULE_NUMBERS - FEATURES)

/* Where the samples come from; remembers the rule of the latest client. */
typedef struct synthetic {
    fed_generator_t generator; /* first: it is what others see */
    uint64_t seed;
    int rules;
    double alpha, beta;
    double common[OF_LABELS]; /* the rule that all share, without means */
    double deviations[FEATURES];
    const size_t *first; /* [clients + 1], in the block */
    size_t clients, latest;
    bool has_rule;
    rule_t rule;
} synthetic_t;

/* @param which  0: a client's own numbers, 1: those that all share (client 0) */
static fed_stream_t rule_stream(const synthetic_t *self, size_t client, uint32_t which) {
    return (fed_stream_t){.seed = self->seed,
                          .purpose = FED_RANDOM_CLIENT_MODEL,
                          .who = (uint32_t)client,
                          .which = which};
}

static void draw_common(synthetic_t *self) {
    fed_stream_t stream = rule_stream(self, 0, 1);
    fed_random_normals(&stream, 0, OF_LABELS, self->common);
}

static void draw_rule(const synthetic_t *self, size_t client, rule_t *rule) {
    fed_stream_t stream = rule_stream(self, client, 0);
    double centers[2], *numbers = &rule->weights[0][0];
    fed_random_normals(&stream, 0, 2, centers);
    fed_random_normals(&stream, 1, RULE_NUMBERS, numbers);
    for (size_t i = 0; i < OF_LABELS; i++)
        numbers[i] = self->rules == COMMON ? self->common[i] + self->alpha * numbers[i]
                                           : numbers[i] + self->alpha * centers[0];
    for (size_t j = 0; j < FEATURES; j++)
        rule->mean[j] += self->beta * centers[1];
}

static int32_t label_of(const rule_t *rule, const double *x) {
    int32_t best = 0;
    double highest = -INFINITY;
    for (int32_t c = 0; c < CLASSES; c++) {
        double score = rule->bias[c];
        for (size_t j = 0; j < FEATURES; j++)
            score += rule->weights[c][j] * x[j];
        if (score > highest) {
            highest = score;
            best = c;
        }
    }
    return best;
}

/* @param set  0: training, 1: test */
static void draw_sample(synthetic_t *self, size_t client, size_t number, uint32_t set, float *x,
                        int32_t *label) {
    if (!self->has_rule || client != self->latest)
        draw_rule(self, client, &self->rule);
    self->has_rule = true;
    self->latest = client;
    fed_stream_t stream = {
        .seed = self->seed,
        .purpose = FED_RANDOM_SAMPLE,
        .who = (uint32_t)client,
        .when = (uint32_t)number,
        .which = set,
    };
    double drawn[FEATURES];
    fed_random_normals(&stream, 0, FEATURES, drawn);
    for (size_t j = 0; j < FEATURES; j++) {
        drawn[j] = self->rule.mean[j] + self->deviations[j] * drawn[j];
        x[j] = (float)drawn[j];
    }
    *label = label_of(&self->rule, drawn);
}

/* The client that holds a sample: the last one that starts at or before it. */
static size_t find_client(const synthetic_t *self, size_t index) {
    size_t k = self->latest, low = 0, high = self->clients;
    if (self->has_rule && self->first[k] <= index && index < self->first[k + 1])
        return k;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (self->first[middle] <= index)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void sample(fed_generator_t *generator, size_t index, float *x, int32_t *label) {
    synthetic_t *self = (synthetic_t *)generator;
    size_t client = find_client(self, index);
    draw_sample(self, client, index - self->first[client], 0, x, label);
}

static fed_generator_t *create(const fed_config_t *config, const size_t *first, size_t clients) {
    const options_t *options = fed_config_options(config, &synthetic_keys);
    synthetic_t *self = FED_NEW(synthetic_t);
    self->generator.sample = sample;
    self->seed = fed_seed(config);
    self->rules = options->synthetic_rules;
    self->alpha = options->synthetic_alpha;
    self->beta = options->synthetic_beta;
    self->first = first;
    self->clients = clients;
    for (size_t j = 0; j < FEATURES; j++)
        self->deviations[j] = pow((double)(j + 1), -0.6);
    draw_common(self);
    return &self->generator;
}

/* --- Sizes and the test set --------------------------------------------------------------- */

static size_t size_of(const fed_config_t *config, size_t client) {
    fed_stream_t stream = {.seed = fed_seed(config), .purpose = FED_RANDOM_SIZES};
    double size = floor(exp(4 + 2 * fed_random_normal(&stream, (uint32_t)client))) + 50;
    double most = (double)fed_partition_options(config)->samples_per_client;
    return (size_t)(most > 0 && size > most ? most : size);
}

/* Who sets it means something by it; 1 is the default. */
static void warn_of_alpha(const options_t *options) {
    if (options->synthetic_rules == INDEPENDENT && options->synthetic_alpha != 1)
        fed_warn(
            "data.synthetic_alpha = %g has no effect with data.synthetic_rules = independent, "
            "the published form; with common it says how far the clients' rules differ",
            options->synthetic_alpha);
}

static fed_status_t measure(const fed_source_t *self, const fed_config_t *config,
                            const fed_array_format_t *arrays, fed_dataset_shape_t *shape) {
    (void)arrays;
    const options_t *options = fed_config_options(config, &synthetic_keys);
    *shape = (fed_dataset_shape_t){
        .test_count = (size_t)options->synthetic_test_samples,
        .generated_clients = (size_t)fed_partition_options(config)->clients,
        .channels = 1,
        .height = 1,
        .width = FEATURES,
        .classes = self->classes,
        .type = FED_VALUES_FLOAT32,
    };
    if (shape->generated_clients == 0)
        return fed_config_fail(config, "partition.clients",
                               "data.dataset = synthetic makes as many clients as this says, 1 "
                               "at least");
    for (size_t k = 0; k < shape->generated_clients; k++)
        shape->train_count += size_of(config, k);
    if (shape->train_count > UINT32_MAX)
        return fed_config_fail(config, "partition.samples_per_client",
                               "the clients hold %zu samples, accepted is %u at most; fewer "
                               "clients or a lower cap",
                               shape->train_count, UINT32_MAX);
    warn_of_alpha(options);
    return FED_OK;
}

static fed_status_t fill(const fed_source_t *self, const fed_config_t *config,
                         const fed_array_format_t *arrays, const fed_dataset_shape_t *shape,
                         fed_raw_samples_t *train, fed_raw_samples_t *test) {
    (void)self;
    (void)arrays;
    size_t clients = shape->generated_clients, count = shape->test_count;
    for (size_t k = 0; k < clients; k++)
        train->first[k + 1] = train->first[k] + size_of(config, k);
    fed_generator_t *generator = create(config, train->first, clients);
    for (size_t i = 0; i < count; i++)
        draw_sample((synthetic_t *)generator, i * clients / count, i, 1,
                    (float *)test->values + i * FEATURES, &test->labels[i]);
    fed_free(generator);
    return FED_OK;
}

const fed_source_t fed_source_synthetic = {
    .plugin = {.name = "synthetic",
               .summary = "Synthetic(alpha, beta): each client's own logistic model, generated "
                          "from its number (Li et al. 2020)",
               .keys = {&synthetic_keys}},
    .measure = measure,
    .read = fill,
    .generate = create,
    .classes = CLASSES,
};
