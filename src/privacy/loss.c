/* With sampling q and noise z the pair of distributions is (1 - q) N(0, z^2) + q N(1, z^2), where
 * the member is there, and N(0, z^2), where it is not. The loss at x is the logarithm of their
 * ratio, which grows with x. */
#include "loss.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* What lies below and above a loss: whichever is small is exact. */
typedef struct tails {
    double below, above;
} tails_t;

static tails_t normal_tails(double x) {
    double smaller = erfc(fabs(x) * M_SQRT1_2) / 2;
    return x > 0 ? (tails_t){1 - smaller, smaller} : (tails_t){smaller, 1 - smaller};
}

/* Where log((1 - q) + q exp((2x - 1) / 2z^2)) is this loss: equation for the ratio of both,
 * solved for x. */
static double place_of(double loss, double q, double z) {
    double absent = q < 1 ? (1 - q) * exp(-loss) : 0;
    if (absent >= 1)
        return -INFINITY;
    return z * z * (loss + log1p(-absent) - log(q)) + 0.5;
}

static tails_t loss_tails(double loss, double q, double z, fed_direction_t direction) {
    if (direction == FED_MEMBER_MORE) { /* the loss is the logarithm of the inverse */
        tails_t tails = normal_tails(place_of(-loss, q, z) / z);
        return (tails_t){tails.above, tails.below};
    }
    double x = place_of(loss, q, z);
    tails_t absent = normal_tails(x / z), present = normal_tails((x - 1) / z);
    return (tails_t){(1 - q) * absent.below + q * present.below,
                     (1 - q) * absent.above + q * present.above};
}

/* What lies between: the difference of what is exact. */
static double between(const tails_t *left, const tails_t *right) {
    return left->below < 0.5 ? right->below - left->below : left->above - right->above;
}

#define NEGLIGIBLE 11 /* deviations from both means: less than 10^-27 lies beyond */

static double loss_at(double x, double q, double z) {
    double exponent = (2 * x - 1) / (2 * z * z); /* of how much likelier the member makes it */
    return exponent < 0 ? log1p(q * expm1(exponent)) : exponent + log(q + (1 - q) * exp(-exponent));
}

/* The bins in which there is something, at most -last .. last. */
static void find_range(const fed_loss_grid_t *grid, double q, double z, fed_direction_t direction,
                       int64_t *first, int64_t *last) {
    double low = loss_at(-NEGLIGIBLE * z, q, z), high = loss_at(1 + NEGLIGIBLE * z, q, z);
    double from = (direction == FED_MEMBER_LESS ? low : -high) / grid->mesh;
    double to = (direction == FED_MEMBER_LESS ? high : -low) / grid->mesh;
    double most = (double)grid->bins / 2 - 1;
    *first = (int64_t)fmax(floor(from) - 1, -most);
    *last = (int64_t)fmin(ceil(to) + 1, most);
}

double fed_loss_discretize(const fed_loss_grid_t *grid, double sampling, double noise,
                           fed_direction_t direction, double *mass) {
    int64_t first, last;
    double total = 0, shift = 0;
    find_range(grid, sampling, noise, direction, &first, &last);
    memset(mass, 0, grid->bins * sizeof *mass);
    tails_t left = loss_tails(((double)first - 0.5) * grid->mesh, sampling, noise, direction);
    for (int64_t i = first; i <= last; i++) {
        tails_t middle = loss_tails((double)i * grid->mesh, sampling, noise, direction);
        tails_t right = loss_tails(((double)i + 0.5) * grid->mesh, sampling, noise, direction);
        double low = between(&left, &middle), high = between(&middle, &right);
        mass[i < 0 ? (size_t)((int64_t)grid->bins + i) : (size_t)i] = low + high;
        total += low + high;
        shift += high - low; /* times mesh / 3: Simpson's rule for the cell's mean */
        left = right;
    }
    for (size_t i = 0; i < grid->bins; i++)
        mass[i] /= total;
    return shift * grid->mesh / 3 / total;
}
