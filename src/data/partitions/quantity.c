/* Quantity skew: clients of very different sizes with samples of the same distribution.
 *
 * power: client k's share is proportional to a draw from a Pareto distribution, density
 * a / x^(a+1) for x >= 1; "the number of samples follows a power law" in Li et al. 2020
 * (FedProx, MLSys) and many after it. lognormal: proportional to exp(sigma z), z
 * standard normal; the law behind that paper's synthetic data (sigma = 2). */
#include "schemes.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/config/purposes.h"
#include "fedmpi/core/distributions.h"
#include "fedmpi/core/memory.h"
#include "piles.h"

#include <math.h>

enum { POWER, LOGNORMAL };

typedef struct options {
    int quantity_law;
    double quantity_exponent, quantity_sigma;
} options_t;

static const char *const law_words[] = {[POWER] = "power", [LOGNORMAL] = "lognormal", NULL};

/* clang-format off */
static const fed_key_t keys[] = {
    FED_CHOICE(options_t, quantity_law, law_words, "lognormal", "quantity: what the clients' sizes are proportional to"),
    FED_REAL(options_t, quantity_exponent, 0, 1000, "1.5", "quantity, power: a of the density a / x^(a+1); small: unequal", .above_minimum = true),
    FED_REAL(options_t, quantity_sigma, 0, 100, "1", "quantity, lognormal: deviation of the logarithm; large: unequal"),
};
/* clang-format on */

static const fed_key_group_t quantity_keys = FED_KEY_GROUP("partition", options_t, keys);

static void draw_shares(const fed_config_t *config, size_t clients, double *shares) {
    const options_t *options = fed_config_options(config, &quantity_keys);
    fed_stream_t stream = {.seed = fed_seed(config), .purpose = FED_RANDOM_SIZES};
    for (size_t k = 0; k < clients; k++)
        shares[k] =
            options->quantity_law == POWER
                ? -log1p(-fed_random_uniform(&stream, (uint32_t)k)) / options->quantity_exponent
                : options->quantity_sigma * fed_random_normal(&stream, (uint32_t)k);
    fed_normalize_logarithms(clients, shares);
}

static fed_status_t deal(const fed_config_t *config, const fed_labels_t *labels,
                         fed_partition_t *partition) {
    size_t clients = (size_t)fed_partition_options(config)->clients, total;
    FED_TRY(fed_piles_supply(config, labels, &total));
    FED_AUTOFREE double *shares = FED_NEW_ARRAY(double, clients);
    FED_AUTOFREE uint32_t *counts = FED_NEW_ARRAY(uint32_t, clients);
    draw_shares(config, clients, shares);
    fed_piles_apportion(clients, shares, total, 1, counts);
    FED_TRY(fed_piles_level(config, clients, 1, counts));
    fed_piles_t pile;
    fed_piles_init(&pile, labels, total, false, fed_seed(config));
    fed_piles_deal(&pile, clients, counts, partition);
    fed_piles_fini(&pile);
    return FED_OK;
}

const fed_partition_scheme_t fed_scheme_quantity = {
    .plugin = {.name = "quantity",
               .summary = "size skew: samples a client by a power law or log-normal, labels iid "
                          "(Li et al. 2020)",
               .keys = {&quantity_keys, &fed_levelling_keys}},
    .deal = deal,
};
