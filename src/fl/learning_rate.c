/* Learning-rate schedules. */
#include "fedmpi/fl/learning_rate.h"

#include <math.h>

double fed_learning_rate(const fed_config_t *config, int64_t round) {
    double decay = config->training.decay, rounds = (double)config->training.decay_rounds;
    double passed = (double)(round - 1) / rounds, factor = 1;
    switch ((fed_rate_schedule_t)config->training.schedule) {
    case FED_RATE_CONSTANT:
        break;
    case FED_RATE_STEP:
        factor = pow(decay, floor(passed));
        break;
    case FED_RATE_EXPONENTIAL:
        factor = pow(decay, passed);
        break;
    case FED_RATE_COSINE:
        factor = decay + (1 - decay) * (1 + cos(M_PI * fmin(passed, 1))) / 2;
        break;
    }
    return config->training.learning_rate * factor;
}
