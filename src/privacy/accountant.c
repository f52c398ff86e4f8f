/* Epsilon by composing distributions of the privacy loss. */
#include "fedmpi/privacy/accountant.h"

#include "log_erfc.h"
#include "loss.h"

#include "fedmpi/core/error.h"
#include "fedmpi/core/memory.h"
#include "fedmpi/privacy/rdp.h"

#include <fftw3.h>
#include <math.h>
#include <string.h>

#define EPSILON_ERROR 0.0042 /* half of what the bounds are apart, but for that of delta */
#define LARGE_EPSILON 100.0  /* of what the grid is for: from here on the error is a part of it */
#define DELTA_ERROR 5e-4     /* parts of delta */
#define MOST_BINS 0x1p24
#define PLAN_VECTORS 2 /* as much memory FFTW takes for both plans: measured */
#define MARGIN 3.0     /* nats of the grid beyond what Remark 5.6 asks for */

/* As FFTW lays out its fftw_complex. The language's own type looks for infinities when it
 * multiplies. */
typedef struct complex {
    double re, im;
} complex_t;

/* The Fourier transform of what one mechanism's loss is once. */
typedef struct spectrum {
    fed_mechanism_t of;                /* its times mean nothing */
    complex_t *values[FED_DIRECTIONS]; /* [bins / 2 + 1] */
    double shift[FED_DIRECTIONS];
} spectrum_t;

struct fed_accountant {
    double delta, delta_error, epsilon_error;
    fed_ledger_t planned; /* what the grid is made for */
    fed_loss_grid_t grid;
    double *mass;       /* [bins] */
    complex_t *product; /* [bins / 2 + 1] */
    fftw_plan forward, inverse;
    spectrum_t spectra[FED_LEDGER_MOST]; /* [planned.count] */
};

fed_accountant_t *fed_accountant_create(double delta) {
    fed_accountant_t *accountant = FED_NEW(fed_accountant_t);
    accountant->delta = delta;
    accountant->delta_error = DELTA_ERROR * delta;
    return accountant;
}

static void forget_grid(fed_accountant_t *accountant) {
    for (size_t e = 0; e < accountant->planned.count; e++)
        for (size_t d = 0; d < FED_DIRECTIONS; d++)
            fed_free(accountant->spectra[e].values[d]);
    accountant->planned.count = 0;
    if (accountant->forward)
        fftw_destroy_plan(accountant->forward);
    if (accountant->inverse)
        fftw_destroy_plan(accountant->inverse);
    accountant->forward = accountant->inverse = NULL;
    fed_free(accountant->product);
    fed_free(accountant->mass);
    accountant->product = NULL;
    accountant->mass = NULL;
}

void fed_accountant_destroy(fed_accountant_t *accountant) {
    if (!accountant)
        return;
    forget_grid(accountant);
    fed_free(accountant);
}

/* --- The grid -------------------------------------------------------------------------- */

/* The next even size that transforms are fast for: 2^a 3^b 5^c. */
static size_t fast_size(double least) {
    double best = INFINITY;
    for (double fives = 1; fives < 2 * least; fives *= 5)
        for (double threes = fives; threes < 2 * least; threes *= 3) {
            double size = 2 * threes;
            while (size < least)
                size *= 2;
            best = fmin(best, size);
        }
    return (size_t)best;
}

/* How far losses reach: Remark 5.6. */
static double reach(const fed_accountant_t *accountant, const fed_ledger_t *ledger) {
    double times = fed_ledger_times(ledger);
    double farthest = fed_rdp_epsilon(ledger, accountant->delta_error / 4);
    for (size_t i = 0; i < ledger->count; i++) {
        fed_ledger_t once = {{ledger->entries[i]}, 1};
        once.entries[0].times = 1;
        farthest = fmax(farthest, fed_rdp_epsilon(&once, accountant->delta_error / 8 / times));
    }
    return farthest + MARGIN;
}

/* What the grid is made for: powers of two, so that not each time needs one of its own, and what
 * epsilon comes out is a function of the ledger alone. */
static fed_ledger_t with_room(const fed_ledger_t *ledger) {
    fed_ledger_t roomy = *ledger;
    for (size_t i = 0; i < roomy.count; i++) {
        double room = 1;
        while (room < ledger->entries[i].times)
            room *= 2;
        roomy.entries[i].times = room;
    }
    return roomy;
}

static bool is_for(const fed_accountant_t *accountant, const fed_ledger_t *roomy) {
    const fed_ledger_t *planned = &accountant->planned;
    bool same = accountant->mass && planned->count == roomy->count;
    for (size_t i = 0; same && i < roomy->count; i++)
        same = planned->entries[i].sampling == roomy->entries[i].sampling &&
               planned->entries[i].noise == roomy->entries[i].noise &&
               planned->entries[i].times == roomy->entries[i].times;
    return same;
}

/* The mesh is Theorem 5.5's. Where that is finer than there should be memory for, the bounds are
 * further apart. */
static fed_loss_grid_t choose_grid(fed_accountant_t *accountant, double longest) {
    double fineness =
        sqrt(fed_ledger_times(&accountant->planned) / 2 * log(12 / accountant->delta_error));
    double bins = 2 * longest * fineness / accountant->epsilon_error + 2;
    if (bins > MOST_BINS) {
        accountant->epsilon_error *= bins / MOST_BINS;
        bins = MOST_BINS;
    }
    return (fed_loss_grid_t){accountant->epsilon_error / fineness, fast_size(bins)};
}

static void transform(fed_accountant_t *accountant, const fed_mechanism_t *mechanism,
                      fed_direction_t d, spectrum_t *spectrum) {
    size_t half = accountant->grid.bins / 2 + 1;
    spectrum->shift[d] = fed_loss_discretize(&accountant->grid, mechanism->sampling,
                                             mechanism->noise, d, accountant->mass);
    fftw_execute(accountant->forward);
    spectrum->values[d] = FED_NEW_ARRAY(complex_t, half);
    memcpy(spectrum->values[d], accountant->product, half * sizeof *accountant->product);
}

static void make_grid(fed_accountant_t *accountant, const fed_ledger_t *roomy) {
    forget_grid(accountant);
    double epsilon = fed_rdp_epsilon(roomy, accountant->delta);
    accountant->epsilon_error = EPSILON_ERROR * fmax(1, epsilon / LARGE_EPSILON);
    accountant->planned = *roomy;
    accountant->grid = choose_grid(accountant, reach(accountant, roomy));
    size_t bins = accountant->grid.bins;
    double *mass = accountant->mass = FED_NEW_ARRAY(double, bins);
    complex_t *product = accountant->product = FED_NEW_ARRAY(complex_t, bins / 2 + 1);
    accountant->forward = fftw_plan_dft_r2c_1d((int)bins, mass, (fftw_complex *)product,
                                               FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
    accountant->inverse = fftw_plan_dft_c2r_1d((int)bins, (fftw_complex *)product, mass,
                                               FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
    if (!accountant->forward || !accountant->inverse)
        fed_die("FFTW has no plan for %zu numbers", bins);
    for (size_t e = 0; e < roomy->count; e++)
        for (size_t d = 0; d < FED_DIRECTIONS; d++)
            transform(accountant, &roomy->entries[e], d, &accountant->spectra[e]);
}

size_t fed_accountant_bytes(const fed_accountant_t *accountant) {
    size_t vectors = 2 + PLAN_VECTORS + FED_DIRECTIONS * accountant->planned.count;
    return accountant->mass ? vectors * accountant->grid.bins * sizeof(double) : 0;
}

/* --- Composition ----------------------------------------------------------------------- */

static complex_t multiply(complex_t a, complex_t b) {
    return (complex_t){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static complex_t power(complex_t base, uint64_t exponent) {
    complex_t result = {1, 0};
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = multiply(result, base);
        base = multiply(base, base);
    }
    return result;
}

/* The distribution of the sum of all losses, in mass. @return the shift of all losses */
static double compose(fed_accountant_t *accountant, const fed_ledger_t *ledger, fed_direction_t d) {
    size_t half = accountant->grid.bins / 2 + 1;
    double shift = 0;
    for (size_t i = 0; i < half; i++)
        accountant->product[i] = (complex_t){1 / (double)accountant->grid.bins, 0};
    for (size_t e = 0; e < ledger->count; e++) {
        uint64_t times = (uint64_t)ledger->entries[e].times;
        const spectrum_t *spectrum = &accountant->spectra[e];
        const complex_t *values = spectrum->values[d];
        for (size_t i = 0; i < half; i++)
            accountant->product[i] = multiply(accountant->product[i], power(values[i], times));
        shift += spectrum->shift[d] * (double)times;
    }
    fftw_execute(accountant->inverse);
    return shift;
}

/* The epsilon at which delta, which falls with it, is the given one: losses from the largest down.
 * With s the loss of a bin, delta(s) is the sum over larger losses t of p_t (1 - exp(s - t)). */
static double epsilon_of(const fed_accountant_t *accountant, double shift, double delta) {
    const fed_loss_grid_t *grid = &accountant->grid;
    double above = 0, weighted = 0, step = exp(-grid->mesh);
    for (int64_t i = (int64_t)(grid->bins / 2) - 1; i >= 0; i--) {
        double loss = (double)i * grid->mesh + shift;
        double next_weighted = weighted * step + accountant->mass[i];
        double next_above = above + accountant->mass[i];
        if (next_above - next_weighted > delta)
            return fmax(0, loss + grid->mesh + log((above - delta) / weighted));
        if (loss < 0)
            return 0;
        above = next_above;
        weighted = next_weighted;
    }
    return 0;
}

static fed_epsilon_t composed(fed_accountant_t *accountant, const fed_ledger_t *ledger) {
    fed_epsilon_t epsilon = {0};
    double error = accountant->epsilon_error, delta = accountant->delta;
    for (size_t d = 0; d < FED_DIRECTIONS; d++) {
        double shift = compose(accountant, ledger, d);
        double low = epsilon_of(accountant, shift, delta + accountant->delta_error) - error;
        double high = epsilon_of(accountant, shift, delta - accountant->delta_error) + error;
        epsilon.lower = fmax(epsilon.lower, low);
        epsilon.estimate = fmax(epsilon.estimate, epsilon_of(accountant, shift, delta));
        epsilon.upper = fmax(epsilon.upper, high);
    }
    return epsilon;
}

/* --- Everybody takes part -------------------------------------------------------------- */

/* Many times one mechanism is the same as one with less noise: a mean of mu deviations. */
static double gaussian_delta(double mu, double epsilon) {
    double present = fed_log_erfc((epsilon / mu - mu / 2) * M_SQRT1_2);
    double absent = fed_log_erfc((epsilon / mu + mu / 2) * M_SQRT1_2);
    return (exp(present) - exp(epsilon + absent)) / 2;
}

static double gaussian_epsilon(double mu, double delta) {
    double low = 0, high = 1;
    if (gaussian_delta(mu, 0) <= delta)
        return 0;
    while (gaussian_delta(mu, high) > delta)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        *(gaussian_delta(mu, middle) > delta ? &low : &high) = middle;
    }
    return high;
}

/* @param mu  [out] of all that is in the ledger; false if not everybody takes part each time */
static bool is_gaussian(const fed_ledger_t *ledger, double *mu) {
    double squares = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        const fed_mechanism_t *entry = &ledger->entries[i];
        squares += entry->times / (entry->noise * entry->noise);
        if (entry->sampling != 1)
            return false;
    }
    *mu = sqrt(squares);
    return true;
}

/* --- All together ---------------------------------------------------------------------- */

/* What costs something; @return false if something is without noise */
static bool find_costly(const fed_ledger_t *ledger, fed_ledger_t *costly) {
    *costly = (fed_ledger_t){0};
    for (size_t i = 0; i < ledger->count; i++) {
        const fed_mechanism_t *entry = &ledger->entries[i];
        if (entry->sampling == 0 || entry->times == 0)
            continue;
        if (entry->noise == 0)
            return false;
        costly->entries[costly->count++] = *entry;
    }
    return true;
}

fed_epsilon_t fed_accountant_epsilon(fed_accountant_t *accountant, const fed_ledger_t *ledger) {
    fed_ledger_t costly;
    double mu;
    if (!find_costly(ledger, &costly))
        return (fed_epsilon_t){INFINITY, INFINITY, INFINITY, INFINITY};
    if (costly.count == 0)
        return (fed_epsilon_t){0};
    double rdp = fed_rdp_epsilon(&costly, accountant->delta);
    fed_epsilon_t epsilon;
    if (is_gaussian(&costly, &mu)) {
        double exact = gaussian_epsilon(mu, accountant->delta);
        epsilon = (fed_epsilon_t){exact, exact, exact, 0};
    } else {
        fed_ledger_t roomy = with_room(&costly);
        if (!is_for(accountant, &roomy))
            make_grid(accountant, &roomy);
        epsilon = composed(accountant, &costly);
    }
    /* Where epsilon is small the other bound may be closer. */
    epsilon.rdp = rdp;
    epsilon.upper = fmin(epsilon.upper, rdp);
    epsilon.estimate = fmin(epsilon.estimate, epsilon.upper);
    return epsilon;
}

static double upper_after(fed_accountant_t *accountant, const fed_ledger_t *ledger,
                          const fed_mechanism_t *unit, int64_t units) {
    fed_ledger_t longer = *ledger;
    if (!fed_ledger_add(&longer, unit->sampling, unit->noise, unit->times * (double)units))
        return INFINITY;
    return fed_accountant_epsilon(accountant, &longer).upper;
}

/* The longest first, which is what is hoped for. */
int64_t fed_accountant_affords(fed_accountant_t *accountant, const fed_ledger_t *ledger,
                               const fed_mechanism_t *unit, int64_t units, double budget) {
    int64_t fits = 0, too_many = units + 1, tried = units;
    while (too_many - fits > 1) {
        bool affordable = upper_after(accountant, ledger, unit, tried) <= budget;
        *(affordable ? &fits : &too_many) = tried;
        tried = fits + (too_many - fits) / 2;
    }
    return fits;
}

/* --- How much noise -------------------------------------------------------------------- */

#define MOST_NOISE 1e6
#define NOISE_PARTS                                                                                \
    1e4 /* noise is found in 10,000ths: the same on machines that round otherwise                  \
         */

/* The upper bound on epsilon, a function of noise in parts. */
typedef struct calibration {
    fed_accountant_t *accountant;
    double sampling, times, epsilon;
} calibration_t;

static double upper_with(const calibration_t *wanted, double parts) {
    fed_ledger_t ledger = {{{wanted->sampling, parts / NOISE_PARTS, wanted->times}}, 1};
    return fed_accountant_epsilon(wanted->accountant, &ledger).upper;
}

static bool suffices(const calibration_t *wanted, double parts) {
    fed_ledger_t ledger = {{{wanted->sampling, parts / NOISE_PARTS, wanted->times}}, 1};
    return fed_rdp_epsilon(&ledger, wanted->accountant->delta) <= wanted->epsilon;
}

/* By the bound that is cheap to find, and asks for more than is needed: to a twentieth. */
static double more_than_enough(const calibration_t *wanted) {
    double low = 1, high = 2;
    for (; !suffices(wanted, high) && high <= MOST_NOISE * NOISE_PARTS; high *= 2)
        low = high;
    while (high > 1.05 * low && high - low > 1) {
        double middle = sqrt(low * high);
        *(suffices(wanted, middle) ? &high : &low) = middle;
    }
    return ceil(high);
}

/* An amount, and the logarithm of how much the bound then is above what is wanted. */
typedef struct trial {
    double parts, excess;
} trial_t;

static trial_t try_noise(const calibration_t *wanted, double parts) {
    return (trial_t){parts, log(upper_with(wanted, parts) / wanted->epsilon)};
}

/* Where a straight line through both, in logarithms, meets what is wanted. */
static double meet(const trial_t *a, const trial_t *b) {
    double slope = log(b->parts / a->parts) / (b->excess - a->excess);
    return ceil(exp(log(b->parts) - b->excess * slope));
}

/* The secant method, between what is too little and what is enough. */
static double find_least(const calibration_t *wanted, trial_t low, trial_t high) {
    trial_t before = low, last = high;
    while (high.parts - low.parts > 1) {
        double parts = fmin(fmax(meet(&before, &last), low.parts + 1), high.parts - 1);
        before = last;
        last = try_noise(wanted, parts);
        *(last.excess > 0 ? &low : &high) = last;
    }
    return high.parts;
}

double fed_accountant_noise(fed_accountant_t *accountant, double sampling, int64_t times,
                            double epsilon) {
    calibration_t wanted = {accountant, sampling, (double)times, epsilon};
    double enough = more_than_enough(&wanted);
    if (enough > MOST_NOISE * NOISE_PARTS)
        return INFINITY;
    trial_t high = try_noise(&wanted, enough), low = high;
    while (low.excess <= 0 && low.parts > 1) {
        high = low;
        low = try_noise(&wanted, floor(low.parts * 0.8));
    }
    return (low.excess > 0 ? find_least(&wanted, low, high) : low.parts) / NOISE_PARTS;
}
