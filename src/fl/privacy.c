/* What is the same for all mechanisms and clippings. */
#include "fedmpi/fl/privacy.h"

#include "clippings/clippings.h"
#include "mechanisms/mechanisms.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/config/purposes.h"
#include "fedmpi/fl/method.h"
#include "fedmpi/fl/selection.h"
#include "fedmpi/fl/training.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/privacy/accountant.h"
#include "fedmpi/privacy/discrete_gaussian.h"

#include <assert.h>
#include <math.h>

const fed_plugin_table_t fed_mechanisms = FED_PLUGIN_TABLE("mechanism", FED_MECHANISMS);
const fed_plugin_table_t fed_clippings = FED_PLUGIN_TABLE("clipping", FED_CLIPPINGS);

static const fed_key_t privacy_keys[] = {
    FED_NAME(fed_privacy_options_t, mechanism, &fed_mechanisms, "none",
             "who adds which noise, so that models tell little about any one client"),
};

/* clang-format off */
static const fed_key_t promise_keys[] = {
    FED_REAL(fed_promise_options_t, noise_multiplier, 0, 1e6, "1", "z: deviation of the noise on a round's sum, in the most that one client can change it by; 0: none, and nothing is promised", .resumable = true),
    FED_REAL(fed_promise_options_t, target_epsilon, 0, 1e6, "0", "find the least noise_multiplier with which all rounds together cost no more epsilon than this; 0: noise_multiplier says it", .resumable = true),
    FED_REAL(fed_promise_options_t, delta, FED_DELTA_MIN, 0.999999, "1e-5", "the delta of (epsilon, delta); less than one over the number of clients means something", .resumable = true),
    FED_REAL(fed_promise_options_t, epsilon_budget, 0, 1e6, "0", "the run ends before a round that could exceed this epsilon; 0: target_epsilon, if there is one", .resumable = true),
};

static const fed_key_t clipping_keys[] = {
    FED_NAME(fed_clipping_options_t, clipping, &fed_clippings, "fixed", "where the bound on an update's length comes from"),
    FED_REAL(fed_clipping_options_t, clip_norm, 0, 1e30, "1", "C: L2 norm to which a longer update is scaled down; adaptive: in round 1", .above_minimum = true),
};
/* clang-format on */

const fed_key_group_t fed_privacy_keys =
    FED_KEY_GROUP("privacy", fed_privacy_options_t, privacy_keys);
const fed_key_group_t fed_promise_keys =
    FED_KEY_GROUP("privacy", fed_promise_options_t, promise_keys);
const fed_key_group_t fed_clipping_keys =
    FED_KEY_GROUP("privacy", fed_clipping_options_t, clipping_keys);

fed_privacy_t fed_privacy_of(const fed_config_t *config) {
    return (fed_privacy_t){
        .mechanism = (const fed_mechanism_plugin_t *)fed_privacy_options(config)->mechanism,
        .clipping = (const fed_clipping_t *)fed_clipping_options(config)->clipping,
        .noise = fed_promise_options(config)->noise_multiplier,
    };
}

/* --- What goes with it ------------------------------------------------------------------ */

static fed_status_t refuse(const fed_config_t *config, const char *key, const char *reason) {
    return fed_config_fail(config, key, "privacy.mechanism = %s %s",
                           fed_privacy_options(config)->mechanism->name, reason);
}

/* Sampling without replacement, or by size, is another mechanism than the one that is accounted. */
static fed_status_t check_sampling(const fed_config_t *config, const fed_sampler_t *sampler) {
    if (!sampler->probability && fed_selection_options(config)->clients_per_round > 0)
        return refuse(config, "federated.clients_per_round",
                      "accounts clients that take part each on its own: accepted is "
                      "federated.sampling = poisson with federated.participation, or 0, where all "
                      "take part");
    return FED_OK;
}

/* All that a client sends is made of steps that are private. */
static fed_status_t check_steps(const fed_config_t *config, const fed_method_t *method) {
    if (fed_training_options(config)->clip_sample_norm == 0)
        return refuse(
            config, "training.clip_sample_norm",
            "scales noise by this bound on each sample's gradient; accepted is a number > 0");
    if (method->algorithm->train)
        return refuse(config, "federated.algorithm",
                      "is about steps of SGD; accepted is what makes them, as fedavg and scaffold");
    return FED_OK;
}

fed_status_t fed_privacy_check(const fed_config_t *config, const fed_method_t *method) {
    if (method->privacy.mechanism->per_sample)
        return check_steps(config, method);
    if (!method->privacy.mechanism->is_private)
        return FED_OK;
    if (method->aggregation->see)
        return refuse(config, "federated.aggregation",
                      "bounds what a client changes in a sum, and this rule looks at single "
                      "updates; accepted is mean or norm_bound");
    if (method->algorithm->tells)
        return fed_config_fail(config, "federated.algorithm",
                               "the server also learns %s, which privacy.mechanism = %s does not "
                               "bound; accepted is what sends updates alone, as fedavg and fedprox",
                               method->algorithm->tells,
                               fed_privacy_options(config)->mechanism->name);
    return check_sampling(config, method->sampler);
}

static double noise_of(const fed_privacy_t *privacy, const fed_config_t *config,
                       const fed_slot_t *slot) {
    const fed_clipping_t *clipping = privacy->clipping;
    if (privacy->noise == 0 || privacy->mechanism->per_sample)
        return privacy->noise;
    if (slot == &fed_slot_within)
        return clipping->own_noise(config, privacy);
    return clipping->noise ? clipping->noise(config, privacy) : privacy->noise;
}

/* The C for whose noise there are integers. */
static double largest_bound(const fed_privacy_t *privacy, const fed_config_t *config) {
    double noise = noise_of(privacy, config, &fed_slot_update);
    return noise > 0 ? FED_DISCRETE_GAUSSIAN_MAX / FED_FIXED_ONE * privacy->expected / noise
                     : INFINITY;
}

/* Units in C, so that its rounding is small beside it. */
#define LEAST_UNITS 0x1p10

static fed_status_t check_grid(const fed_privacy_t *privacy, const fed_config_t *config) {
    double least = LEAST_UNITS / FED_FIXED_ONE * privacy->expected;
    double largest = largest_bound(privacy, config);
    bool per_sample = privacy->mechanism->per_sample;
    double bound = per_sample ? fed_training_options(config)->clip_sample_norm
                              : fed_clipping_options(config)->clip_norm;
    if (bound >= least && bound <= largest)
        return FED_OK;
    return fed_config_fail(config, per_sample ? "training.clip_sample_norm" : "privacy.clip_norm",
                           "with %g %s its noise leaves the integers that it is drawn from; "
                           "accepted is %.3g to %.3g",
                           privacy->expected,
                           per_sample ? "samples in a step" : "clients in a round", least, largest);
}

fed_status_t fed_privacy_check_noise(const fed_privacy_t *privacy, const fed_config_t *config) {
    if (!fed_privacy_promises(privacy))
        return FED_OK;
    if (privacy->mechanism->is_private && privacy->clipping->check)
        FED_TRY(privacy->clipping->check(config, privacy));
    return check_grid(privacy, config);
}

static fed_status_t settle_clients(fed_privacy_t *privacy, const fed_config_t *config,
                                   const fed_sampler_t *sampler, size_t clients) {
    privacy->sampling = sampler->probability ? sampler->probability(config) : 1;
    privacy->expected = privacy->sampling * (double)clients;
    privacy->times = 1;
    if (privacy->expected >= 1)
        return FED_OK;
    return fed_config_fail(config, "federated.participation",
                           "of %zu clients less than one would take part in a round; "
                           "privacy.mechanism = %s divides by that number",
                           clients, privacy->mechanism->plugin.name);
}

static double steps_of_epoch(double count, const fed_training_options_t *training) {
    return ceil(count / (double)training->batch_size);
}

static fed_exposure_t exposure_of(double count, const fed_training_options_t *training) {
    double expected = fmin((double)training->batch_size, count);
    double steps = (double)training->epochs * steps_of_epoch(count, training);
    return (fed_exposure_t){
        .sampling = expected / count,
        .expected = expected,
        .times = training->steps > 0 ? (double)training->steps : steps,
    };
}

/* Of clients that have any. */
static double fewest_samples(const fed_partition_t *partition) {
    size_t fewest = SIZE_MAX;
    for (size_t k = 0; k < partition->clients; k++) {
        size_t count = fed_partition_count(partition, k);
        if (count > 0 && count < fewest)
            fewest = count;
    }
    return (double)fewest;
}

size_t fed_privacy_exposures(const fed_privacy_t *privacy, const fed_config_t *config,
                             const fed_partition_t *partition,
                             fed_exposure_t exposures[FED_EXPOSURES]) {
    const fed_training_options_t *training = fed_training_options(config);
    double smallest[FED_EXPOSURES] = {0}, first = 0;
    size_t found = 0;
    if (!privacy->mechanism->per_sample)
        return 0;
    first = steps_of_epoch(fewest_samples(partition), training);
    for (size_t k = 0; k < partition->clients; k++) {
        double count = (double)fed_partition_count(partition, k);
        double more = steps_of_epoch(count, training) - first;
        if (more < 0 || more >= FED_EXPOSURES)
            continue;
        double *least = &smallest[(size_t)more];
        *least = *least == 0 ? count : fmin(*least, count);
    }
    for (size_t i = 0; i < FED_EXPOSURES; i++)
        if (smallest[i] > 0)
            exposures[found++] = exposure_of(smallest[i], training);
    return found;
}

void fed_privacy_expose(fed_privacy_t *privacy, const fed_exposure_t *exposure) {
    privacy->sampling = exposure->sampling;
    privacy->expected = exposure->expected;
    privacy->times = exposure->times;
}

#define MOST_STEPS 16777215 /* that are told apart in a round: fl/training.c */

static fed_status_t settle_samples(fed_privacy_t *privacy, const fed_config_t *config,
                                   const fed_partition_t *partition) {
    fed_exposure_t exposures[FED_EXPOSURES];
    size_t count = fed_privacy_exposures(privacy, config, partition, exposures);
    fed_privacy_expose(privacy, &exposures[0]);
    if (exposures[count - 1].times <= MOST_STEPS)
        return FED_OK;
    return refuse(config, "training.epochs",
                  "accounts at most 16777215 steps of a client in a round");
}

fed_status_t fed_privacy_settle(fed_privacy_t *privacy, const fed_config_t *config,
                                const fed_sampler_t *sampler, const fed_partition_t *partition) {
    if (privacy->mechanism->is_private)
        return settle_clients(privacy, config, sampler, partition->clients);
    if (privacy->mechanism->per_sample)
        return settle_samples(privacy, config, partition);
    return FED_OK;
}

/* --- A round --------------------------------------------------------------------------- */

fed_mechanism_t fed_privacy_round(const fed_privacy_t *privacy) {
    return (fed_mechanism_t){privacy->sampling, privacy->noise, privacy->times};
}

/* A bound that moves stays where its noise can be drawn. */
double fed_privacy_bound(const fed_privacy_t *privacy, const fed_config_t *config,
                         const fed_slots_t *slots, const float *down) {
    const fed_clipping_t *clipping = privacy->clipping;
    if (privacy->mechanism->per_sample)
        return fed_training_options(config)->clip_sample_norm;
    double bound =
        clipping->bound ? clipping->bound(slots, down) : fed_clipping_options(config)->clip_norm;
    return fmin(bound, largest_bound(privacy, config));
}

/* A half, rounded away from zero, is what fed_slot_within sends at most. */
double fed_privacy_sensitivity(const fed_privacy_t *privacy, const fed_config_t *config,
                               const fed_slots_t *slots, const float *down,
                               const fed_slot_t *slot) {
    double unit = FED_FIXED_ONE / privacy->expected;
    if (slot == &fed_slot_within)
        return ceil(unit / 2);
    assert(slot == &fed_slot_update);
    return floor(fed_privacy_bound(privacy, config, slots, down) * unit);
}

double fed_privacy_deviation(const fed_privacy_t *privacy, const fed_config_t *config,
                             const fed_slots_t *slots, const float *down) {
    return noise_of(privacy, config, &fed_slot_update) *
           fed_privacy_bound(privacy, config, slots, down) / privacy->expected;
}

void fed_privacy_blur(const fed_privacy_t *privacy, const fed_config_t *config,
                      const fed_slots_t *slots, uint32_t round, const float *down, size_t first,
                      size_t count, int64_t *sums) {
    fed_stream_t stream = {.seed = fed_seed(config), .purpose = FED_RANDOM_PRIVACY, .when = round};
    for (size_t p = 0; p < slots->place_count; p++) {
        const fed_place_t *place = &slots->places[p];
        if (place->slot->owner != FED_OWNER_UP)
            continue;
        size_t from = place->offset > first ? place->offset : first;
        size_t end = place->offset + place->count;
        end = end < first + count ? end : first + count;
        double sigma = noise_of(privacy, config, place->slot) *
                       fed_privacy_sensitivity(privacy, config, slots, down, place->slot);
        if (from >= end || sigma == 0)
            continue;
        fed_discrete_gaussian_t gaussian = fed_discrete_gaussian(sigma);
        fed_discrete_gaussian_add(&gaussian, &stream, from, end - from, sums + (from - first));
    }
}
