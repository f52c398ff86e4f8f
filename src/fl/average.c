/* The average is kept in double: with a decay near 1 its steps are smaller than a float's. */
#include "fedmpi/fl/average.h"

const fed_slot_t fed_slot_average = {FED_OWNER_DOWN, "average", 0};
static const fed_slot_t exact_average = {FED_OWNER_SERVER, "average", 0};

/* clang-format off */
static const fed_key_t keys[] = {
    FED_REAL(fed_average_options_t, average_decay, 0, 0.999999, "0", "d: the model that is evaluated and saved is the moving average a = d a + (1 - d) w over the rounds, on which nobody trains; 0: w itself"),
};
/* clang-format on */

const fed_key_group_t fed_average_keys = FED_KEY_GROUP("federated", fed_average_options_t, keys);

void fed_average_settle(fed_slots_t *slots, const fed_config_t *config) {
    if (fed_average_options(config)->average_decay == 0)
        return;
    fed_slots_add(slots, &fed_slot_average);
    fed_slots_add(slots, &exact_average);
}

static const fed_place_t *find(const fed_slots_t *slots) {
    return fed_slots_find(slots, FED_OWNER_DOWN, fed_slot_average.name);
}

void fed_average_start(const fed_slots_t *slots, float *down, double *server_state) {
    if (!find(slots))
        return;
    float *average = down + find(slots)->offset;
    double *exact = server_state + fed_slots_place(slots, &exact_average)->offset;
    for (size_t j = 0; j < slots->parameters; j++)
        exact[j] = (double)(average[j] = down[j]);
}

void fed_average_step(const fed_config_t *config, const fed_slots_t *slots, float *down,
                      double *server_state) {
    double decay = fed_average_options(config)->average_decay;
    if (!find(slots))
        return;
    float *average = down + find(slots)->offset;
    double *exact = server_state + fed_slots_place(slots, &exact_average)->offset;
    for (size_t j = 0; j < slots->parameters; j++) {
        exact[j] = decay * exact[j] + (1 - decay) * (double)down[j];
        average[j] = (float)exact[j];
    }
}

const float *fed_average_model(const fed_slots_t *slots, const float *down) {
    return find(slots) ? down + find(slots)->offset : down; /* fed_slot_parameters is the first */
}
