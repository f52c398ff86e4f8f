/* The keys of [experiment]. */
#include "fedmpi/config/experiment.h"

static const fed_key_t keys[] = {
    FED_TEXT(fed_experiment_options_t, name, "mnist-fedavg",
             "a name for the run, kept in the results", .resumable = true),
    FED_INTEGER(fed_experiment_options_t, seed, 0, 9007199254740992.0, "1",
                "everything random derives from it"),
};

const fed_key_group_t fed_experiment_keys =
    FED_KEY_GROUP("experiment", fed_experiment_options_t, keys);

uint64_t fed_seed(const fed_config_t *config) {
    return (uint64_t)fed_experiment_options(config)->seed;
}
