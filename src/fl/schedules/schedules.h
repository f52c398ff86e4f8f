/* The schedules that are compiled in: a new one is a line here and in schedule.c. */
#ifndef FEDMPI_FL_SCHEDULES_SCHEDULES_H
#define FEDMPI_FL_SCHEDULES_SCHEDULES_H

#include "fedmpi/fl/schedule.h"

extern const fed_schedule_t fed_schedule_constant, fed_schedule_step, fed_schedule_exponential,
    fed_schedule_cosine;

#endif
