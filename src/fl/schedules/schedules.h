/* The schedules that are compiled in, in the order of --list: a new one is a line here. */
#ifndef FEDMPI_FL_SCHEDULES_SCHEDULES_H
#define FEDMPI_FL_SCHEDULES_SCHEDULES_H

#include "fedmpi/fl/schedule.h"

#define FED_SCHEDULES(each)                                                                        \
    each(fed_schedule_constant), each(fed_schedule_step), each(fed_schedule_exponential),          \
        each(fed_schedule_cosine)

extern const fed_schedule_t FED_SCHEDULES(FED_PLUGIN_ITSELF);

#endif
