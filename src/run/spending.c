/* The ledger of a run. */
#include "fedmpi/run/spending.h"

#include "fedmpi/comm/agree.h"
#include "fedmpi/comm/collectives.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/privacy/rdp.h"
#include "fedmpi/sim/federated.h"

#include <math.h>

#define SAVED_NUMBERS 3 /* of an entry */
#define MOST_TIMES 1e12

static double budget_of(const fed_config_t *config) {
    const fed_promise_options_t *promise = fed_promise_options(config);
    return promise->epsilon_budget > 0 ? promise->epsilon_budget : promise->target_epsilon;
}

/* What the keys say, or what the target asks for. */
static fed_status_t find_noise(const fed_config_t *config, fed_accountant_t *accountant,
                               fed_privacy_t *privacy) {
    double target = fed_promise_options(config)->target_epsilon;
    int64_t rounds = fed_federated_options(config)->rounds;
    if (target > 0)
        privacy->noise = fed_accountant_noise(accountant, privacy->sampling,
                                              rounds * (int64_t)privacy->times, target);
    if (isfinite(privacy->noise))
        return FED_OK;
    return fed_config_fail(config, "privacy.target_epsilon",
                           "no noise multiplier below 1000000 keeps %lld rounds within it",
                           (long long)rounds);
}

static fed_status_t check_budget(const fed_config_t *config, fed_accountant_t *accountant,
                                 const fed_privacy_t *privacy) {
    fed_ledger_t first = {{fed_privacy_round(privacy)}, 1};
    double cost = fed_accountant_epsilon(accountant, &first).upper, budget = budget_of(config);
    if (budget == 0 || cost <= budget)
        return FED_OK;
    return fed_config_fail(config, "privacy.epsilon_budget",
                           "round 1 alone could cost epsilon %.4g", cost);
}

/* What all rounds come to, by the bound that is cheap to find. */
static double rdp_of(const fed_exposure_t *exposure, const fed_config_t *config, double noise) {
    double times = exposure->times * (double)fed_federated_options(config)->rounds;
    fed_ledger_t ledger = {{{exposure->sampling, noise, times}}, 1};
    return noise > 0 ? fed_rdp_epsilon(&ledger, fed_promise_options(config)->delta) : 0;
}

/* Noise for what is worst, and what is worst with that noise. */
static fed_status_t find_worst(const fed_config_t *config, fed_accountant_t *accountant,
                               const fed_partition_t *partition, fed_privacy_t *privacy) {
    fed_exposure_t exposures[FED_EXPOSURES];
    size_t count = fed_privacy_exposures(privacy, config, partition, exposures);
    for (size_t tries = 0, worst = 0;; tries++) {
        FED_TRY(find_noise(config, accountant, privacy));
        size_t now = worst;
        for (size_t i = 0; i < count; i++)
            if (rdp_of(&exposures[i], config, privacy->noise) >
                rdp_of(&exposures[now], config, privacy->noise))
                now = i;
        if (now == worst || tries == count)
            return FED_OK;
        worst = now;
        fed_privacy_expose(privacy, &exposures[worst]);
    }
}

static fed_status_t calibrate(const fed_config_t *config, const fed_partition_t *partition,
                              fed_privacy_t *privacy) {
    fed_accountant_t *accountant = fed_accountant_create(fed_promise_options(config)->delta);
    fed_status_t status = find_worst(config, accountant, partition, privacy);
    if (status == FED_OK)
        status = check_budget(config, accountant, privacy);
    fed_accountant_destroy(accountant);
    return status;
}

fed_status_t fed_spending_calibrate(const fed_config_t *config, const fed_comm_t *comm,
                                    const fed_partition_t *partition, fed_privacy_t *privacy) {
    fed_status_t mine = FED_OK;
    if (!fed_privacy_promises(privacy))
        return FED_OK;
    if (fed_comm_is_server(comm))
        mine = calibrate(config, partition, privacy);
    FED_TRY(fed_comm_agree(comm, mine, NULL, NULL));
    double numbers[] = {privacy->noise, privacy->sampling, privacy->expected, privacy->times};
    fed_comm_broadcast(comm, numbers, sizeof numbers);
    privacy->noise = numbers[0];
    fed_privacy_expose(privacy, &(fed_exposure_t){numbers[1], numbers[2], numbers[3]});
    return fed_privacy_check_noise(privacy, config); /* the same on all ranks */
}

void fed_spending_init(fed_spending_t *spending, const fed_config_t *config,
                       const fed_privacy_t *privacy) {
    *spending = (fed_spending_t){0};
    if (!fed_privacy_promises(privacy))
        return;
    spending->config = config;
    spending->privacy = privacy;
    spending->accountant = fed_accountant_create(fed_promise_options(config)->delta);
}

void fed_spending_fini(fed_spending_t *spending) {
    fed_accountant_destroy(spending->accountant);
    *spending = (fed_spending_t){0};
}

int64_t fed_spending_last_round(const fed_spending_t *spending, int64_t rounds_done,
                                int64_t rounds) {
    if (!spending->config || budget_of(spending->config) == 0)
        return rounds;
    fed_mechanism_t once = fed_privacy_round(spending->privacy);
    return rounds_done + fed_accountant_affords(spending->accountant, &spending->ledger, &once,
                                                rounds - rounds_done, budget_of(spending->config));
}

/* A ledger with more kinds of rounds than it has room for is charged as if all had least noise. */
static void note(fed_ledger_t *ledger, const fed_mechanism_t *mechanism, double times) {
    if (fed_ledger_add(ledger, mechanism->sampling, mechanism->noise, times))
        return;
    fed_mechanism_t worst = *mechanism;
    worst.times = times;
    for (size_t i = 0; i < ledger->count; i++) {
        worst.sampling = fmax(worst.sampling, ledger->entries[i].sampling);
        worst.noise = fmin(worst.noise, ledger->entries[i].noise);
        worst.times += ledger->entries[i].times;
    }
    *ledger = (fed_ledger_t){{worst}, 1};
}

fed_epsilon_t fed_spending_forecast(const fed_spending_t *spending, int64_t more) {
    fed_ledger_t ledger = spending->ledger;
    fed_mechanism_t once = fed_privacy_round(spending->privacy);
    if (more > 0)
        note(&ledger, &once, once.times * (double)more);
    return fed_accountant_epsilon(spending->accountant, &ledger);
}

void fed_spending_add(fed_spending_t *spending, const fed_round_row_t *round,
                      fed_privacy_row_t *row) {
    fed_mechanism_t once = fed_privacy_round(spending->privacy);
    note(&spending->ledger, &once, once.times);
    spending->epsilon = fed_accountant_epsilon(spending->accountant, &spending->ledger);
    *row = (fed_privacy_row_t){
        .round = round->round,
        .sampling = once.sampling,
        .expected = spending->privacy->expected,
        .noise_multiplier = once.noise,
        .clip_norm = round->clip_norm,
        .noise_deviation = round->noise_deviation,
        .epsilon_lower = spending->epsilon.lower,
        .epsilon = spending->epsilon.estimate,
        .epsilon_upper = spending->epsilon.upper,
        .epsilon_rdp = spending->epsilon.rdp,
        .delta = fed_promise_options(spending->config)->delta,
    };
}

void fed_spending_put(const fed_spending_t *spending, fed_bundle_t *checkpoint) {
    double saved[FED_LEDGER_MOST][SAVED_NUMBERS] = {0};
    if (!spending->config)
        return;
    for (size_t i = 0; i < spending->ledger.count; i++) {
        saved[i][0] = spending->ledger.entries[i].sampling;
        saved[i][1] = spending->ledger.entries[i].noise;
        saved[i][2] = spending->ledger.entries[i].times;
    }
    fed_bundle_put(checkpoint, "privacy/ledger", FED_FLOAT64, FED_LEDGER_MOST * SAVED_NUMBERS,
                   saved);
}

static bool is_possible(const double *saved) {
    return saved[0] >= 0 && saved[0] <= 1 && saved[1] >= 0 && saved[1] <= MOST_TIMES &&
           saved[2] >= 0 && saved[2] <= MOST_TIMES && saved[2] == floor(saved[2]);
}

fed_status_t fed_spending_get(fed_spending_t *spending, const fed_bundle_t *checkpoint,
                              int64_t rounds) {
    double saved[FED_LEDGER_MOST][SAVED_NUMBERS];
    if (!spending->config)
        return FED_OK;
    FED_TRY(fed_bundle_get(checkpoint, "privacy/ledger", FED_FLOAT64,
                           FED_LEDGER_MOST * SAVED_NUMBERS, saved));
    spending->ledger = (fed_ledger_t){0};
    for (size_t i = 0; i < FED_LEDGER_MOST; i++)
        if (!is_possible(saved[i]))
            return fed_fail(FED_INPUT, "checkpoint: impossible privacy ledger");
        else if (saved[i][2] > 0)
            fed_ledger_add(&spending->ledger, saved[i][0], saved[i][1], saved[i][2]);
    if (fed_ledger_times(&spending->ledger) != (double)rounds * spending->privacy->times)
        return fed_fail(FED_INPUT, "checkpoint: its privacy ledger is not of %lld rounds",
                        (long long)rounds);
    spending->epsilon = fed_accountant_epsilon(spending->accountant, &spending->ledger);
    return FED_OK;
}

const char *fed_spending_members(const fed_privacy_t *privacy) {
    return privacy->mechanism->per_sample ? "samples" : "clients";
}

char *fed_spending_say(const fed_epsilon_t *epsilon, double delta) {
    if (isinf(epsilon->upper))
        return fed_strdup("without noise: nothing is promised");
    if (epsilon->lower == epsilon->upper)
        return fed_format("epsilon %.3f (by Renyi orders %.3f) at delta %g", epsilon->upper,
                          epsilon->rdp, delta);
    return fed_format("epsilon at most %.3f, at least %.3f (by Renyi orders %.3f) at delta %g",
                      epsilon->upper, epsilon->lower, epsilon->rdp, delta);
}
