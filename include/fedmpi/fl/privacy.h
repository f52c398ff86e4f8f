/** [privacy]: what a model may tell about a client that helped to train it.
 *
 * DP-FedAvg, McMahan et al. 2018, "Learning Differentially Private Recurrent Language Models":
 * each client takes part on its own with probability q; its update is clipped to the length C;
 * updates count the same, over the q N that are expected and not over those that came; and the
 * sum gets Gaussian noise of z C. Here all of that happens to the integers that are added up: a
 * clipped update is at most floor(C / (q N) 2^40) long to the bit, and the noise is discrete
 * (privacy/discrete_gaussian.h), each number of it a function of seed, round and coordinate.
 *
 * A mechanism says who is protected from whom, a clipping where C comes from. Both are const
 * structs in a file each, with a line in mechanisms.h and clippings.h.
 */
#ifndef FEDMPI_FL_PRIVACY_H
#define FEDMPI_FL_PRIVACY_H

#include "fedmpi/config/columns.h"
#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"
#include "fedmpi/core/random.h"
#include "fedmpi/data/partition.h"
#include "fedmpi/fl/sampler.h"
#include "fedmpi/fl/slots.h"
#include "fedmpi/privacy/ledger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fed_aggregate fed_aggregate_t; /* fl/algorithm.h */
typedef struct fed_method fed_method_t;       /* fl/method.h */

typedef struct fed_mechanism_plugin {
    fed_plugin_t plugin;
    bool is_private; /**< updates are clipped, weights are fixed, and the sum gets noise */
    bool per_sample; /**< each step of a client draws samples on their own and gets noise */
} fed_mechanism_plugin_t;

/** What protects the clients of a run. */
typedef struct fed_privacy {
    const fed_mechanism_plugin_t *mechanism;
    const struct fed_clipping *clipping;
    double noise;    /**< z: of a round or step, in the most that one member can change */
    double sampling; /**< q: each member's probability of taking part */
    double expected; /**< q N: members in a round or step */
    double times;    /**< mechanisms in a round: 1, or the steps of a client */
} fed_privacy_t;

/** Where the bound on an update's length comes from. */
typedef struct fed_clipping {
    fed_plugin_t plugin;
    const fed_slot_t *const *slots; /**< [slot_count] */
    size_t slot_count;

    /** Optional: do its keys go with the noise? */
    fed_status_t (*check)(const fed_config_t *config, const fed_privacy_t *privacy);

    /** Optional: what of z is left for updates, where the round tells something else, too. */
    double (*noise)(const fed_config_t *config, const fed_privacy_t *privacy);

    /** Optional: noise of what a slot of its own sends, in the most that a client can say there,
     * which is 1/2. */
    double (*own_noise)(const fed_config_t *config, const fed_privacy_t *privacy);

    /** Optional: its slots of FED_OWNER_DOWN before round 1. */
    void (*start)(const fed_config_t *config, const fed_slots_t *slots, float *down);

    /** Optional: C of a round. NULL: privacy.clip_norm.
     * @param down  the block of FED_OWNER_DOWN that the round starts from */
    double (*bound)(const fed_slots_t *slots, const float *down);

    /** Optional, on the server: the next C. */
    void (*step)(const fed_aggregate_t *round);
} fed_clipping_t;

/** The tables behind privacy.mechanism and privacy.clipping. */
extern const fed_plugin_table_t fed_mechanisms, fed_clippings;

typedef struct fed_privacy_options {
    const fed_plugin_t *mechanism; /**< a fed_mechanism_plugin_t */
} fed_privacy_options_t;

FED_DECLARE_OPTIONS(fed_privacy)

/** What a promise is about. */
typedef struct fed_promise_options {
    double noise_multiplier, target_epsilon;
    double delta, epsilon_budget;
} fed_promise_options_t;

FED_DECLARE_OPTIONS(fed_promise)

typedef struct fed_clipping_options {
    const fed_plugin_t *clipping; /**< a fed_clipping_t */
    double clip_norm;
} fed_clipping_options_t;

FED_DECLARE_OPTIONS(fed_clipping)

/** What private mechanisms add to clients and rounds: 1 where the update was clipped. */
extern const fed_added_column_t fed_clipped, fed_clipped_clients;

/** Each client says whether it was within the bound, less a half: what adaptive clipping sends. */
extern const fed_slot_t fed_slot_within;

/** What the configuration chooses; noise as privacy.noise_multiplier says. */
fed_privacy_t fed_privacy_of(const fed_config_t *config);

/** Does the rest of the method keep what the mechanism promises? FED_INPUT says what does not. */
fed_status_t fed_privacy_check(const fed_config_t *config, const fed_method_t *method);

/** Is anything promised? */
static inline bool fed_privacy_promises(const fed_privacy_t *privacy) {
    return privacy->mechanism->is_private || privacy->mechanism->per_sample;
}

/** What the samples of a client are exposed to in a round. */
typedef struct fed_exposure {
    double sampling, expected, times; /**< as in fed_privacy_t */
} fed_exposure_t;

#define FED_EXPOSURES 16

/** Where samples are what is protected: what may be the worst that those of any client are exposed
 * to, if it takes part in all rounds. Of clients with as many steps an epoch it is the smallest;
 * and with more and more steps clients are safer again, so that some numbers of steps are enough.
 * @param exposures  [out] from the fewest steps up @return how many; elsewhere 0 */
size_t fed_privacy_exposures(const fed_privacy_t *privacy, const fed_config_t *config,
                             const fed_partition_t *partition,
                             fed_exposure_t exposures[FED_EXPOSURES]);

/** This is what is accounted. */
void fed_privacy_expose(fed_privacy_t *privacy, const fed_exposure_t *exposure);

/** q, q N and how often, from the clients and their samples: the first exposure, until one is known
 * that is worse. FED_INPUT if the promise cannot be kept with so few. */
fed_status_t fed_privacy_settle(fed_privacy_t *privacy, const fed_config_t *config,
                                const fed_sampler_t *sampler, const fed_partition_t *partition);

/** Once z is known: is there an integer for it? FED_INPUT says which bounds there are for. */
fed_status_t fed_privacy_check_noise(const fed_privacy_t *privacy, const fed_config_t *config);

/** A round as the accountant sees it. */
fed_mechanism_t fed_privacy_round(const fed_privacy_t *privacy);

/** C of a round, or of samples' gradients. */
double fed_privacy_bound(const fed_privacy_t *privacy, const fed_config_t *config,
                         const fed_slots_t *slots, const float *down);

/** The most that one client can change the sum of a slot by, in units of 2^-40. */
double fed_privacy_sensitivity(const fed_privacy_t *privacy, const fed_config_t *config,
                               const fed_slots_t *slots, const float *down, const fed_slot_t *slot);

/** Deviation of the noise on each number of the averaged update, or of a step's mean gradient. */
double fed_privacy_deviation(const fed_privacy_t *privacy, const fed_config_t *config,
                             const fed_slots_t *slots, const float *down);

/** Add the noise of a round to a part of the sums: the same on whichever ranks the parts are.
 * @param down          the block of FED_OWNER_DOWN that the round started from
 * @param first, count  the part of the block of FED_OWNER_UP
 * @param sums          [in,out] [count] */
void fed_privacy_blur(const fed_privacy_t *privacy, const fed_config_t *config,
                      const fed_slots_t *slots, uint32_t round, const float *down, size_t first,
                      size_t count, int64_t *sums);

#endif
