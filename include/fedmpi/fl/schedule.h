/** Schedules: the course of the clients' learning rate over the rounds.
 *
 * A schedule is one const struct and its name in schedules.h. It does not depend on the number of
 * rounds, so that a run can be prolonged.
 */
#ifndef FEDMPI_FL_SCHEDULE_H
#define FEDMPI_FL_SCHEDULE_H

#include "fedmpi/config/config.h"
#include "fedmpi/config/plugin.h"

#include <stdint.h>

typedef struct fed_schedule {
    fed_plugin_t plugin;

    /** Optional: what training.learning_rate is multiplied with in a round, from 1. */
    double (*factor)(const fed_config_t *config, int64_t round);
} fed_schedule_t;

/** The table behind training.schedule. */
extern const fed_plugin_table_t fed_schedules;

typedef struct fed_schedule_options {
    const fed_plugin_t *schedule; /**< a fed_schedule_t */
} fed_schedule_options_t;

FED_DECLARE_OPTIONS(fed_schedule)

/** The schedule that the configuration names. */
const fed_schedule_t *fed_schedule_of(const fed_config_t *config);

/** The clients' learning rate in a round, from 1. */
double fed_learning_rate(const fed_schedule_t *schedule, const fed_config_t *config, int64_t round);

#endif
