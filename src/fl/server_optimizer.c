/* What is common to all server optimizers. */
#include "fedmpi/fl/server_optimizer.h"

const fed_server_optimizer_t *fed_server_optimizer_of(const fed_config_t *config) {
    return (const fed_server_optimizer_t *)fed_server_optimizer_options(config)->server_optimizer;
}

double *fed_server_slot(const fed_server_step_t *step, const fed_slot_t *slot) {
    return step->server_state + fed_slots_place(step->slots, slot)->offset;
}
