/* The table of schedules. */
#include "fl/schedules/schedules.h"

#include "fedmpi/fl/training.h"

const fed_plugin_table_t fed_schedules = FED_PLUGIN_TABLE("schedule", FED_SCHEDULES);

static const fed_key_t keys[] = {
    FED_NAME(fed_schedule_options_t, schedule, &fed_schedules, "constant",
             "course of the clients' learning rate over the rounds, with decay and decay_rounds"),
};

const fed_key_group_t fed_schedule_keys = FED_KEY_GROUP("training", fed_schedule_options_t, keys);

const fed_schedule_t *fed_schedule_of(const fed_config_t *config) {
    return (const fed_schedule_t *)fed_schedule_options(config)->schedule;
}

double fed_learning_rate(const fed_schedule_t *schedule, const fed_config_t *config,
                         int64_t round) {
    double factor = schedule->factor ? schedule->factor(config, round) : 1;
    return fed_training_options(config)->learning_rate * factor;
}
