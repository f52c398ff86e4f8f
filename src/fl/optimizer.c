/* What is common to all optimizers. */
#include "fedmpi/fl/optimizer.h"

const fed_optimizer_t *fed_optimizer_of(const fed_config_t *config) {
    return (const fed_optimizer_t *)fed_optimizer_options(config)->optimizer;
}

bool fed_momentum_persists(const fed_config_t *config) {
    return fed_config_uses(config, &fed_momentum_keys) &&
           fed_momentum_options(config)->persistent_momentum;
}

fed_status_t fed_optimizer_must_be_sgd(const fed_config_t *config, const char *who) {
    if (!fed_optimizer_of(config)->step)
        return FED_OK;
    return fed_config_fail(config, "training.optimizer",
                           "%s is defined by steps of SGD, accepted with it is sgd", who);
}
