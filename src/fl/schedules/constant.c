/* The same rate in every round. */
#include "schedules.h"

const fed_schedule_t fed_schedule_constant = {
    .plugin = {.name = "constant", .summary = "training.learning_rate in every round"},
};
