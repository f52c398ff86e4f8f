/* The table of schedules. */
#include "fl/schedules/schedules.h"

static const fed_plugin_t *const schedule_entries[] = {
    &fed_schedule_constant.plugin,
    &fed_schedule_step.plugin,
    &fed_schedule_exponential.plugin,
    &fed_schedule_cosine.plugin,
};

const fed_plugin_table_t fed_schedules = {
    .kind = "schedule",
    .key = "training.schedule",
    .entries = schedule_entries,
    .count = sizeof schedule_entries / sizeof *schedule_entries,
};

fed_status_t fed_schedule_find(const fed_config_t *config, const fed_schedule_t **schedule) {
    return fed_config_choose(config, &fed_schedules, config->training.schedule,
                             (const fed_plugin_t **)schedule);
}

double fed_learning_rate(const fed_schedule_t *schedule, const fed_config_t *config,
                         int64_t round) {
    double factor = schedule->factor ? schedule->factor(config, round) : 1;
    return config->training.learning_rate * factor;
}
