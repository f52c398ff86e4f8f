/* The encoders that are compiled in: a new one is a line here and in encoders.c. */
#ifndef FEDMPI_FL_ENCODERS_ENCODERS_H
#define FEDMPI_FL_ENCODERS_ENCODERS_H

#include "fedmpi/config/columns.h"
#include "fedmpi/fl/encoder.h"

/* The keys of the norm bound. */
extern const fed_key_group_t fed_norm_bound_keys;

/* What it adds to clients and rounds. */
extern const fed_added_column_t fed_norm_bound_cut, fed_norm_bound_cuts;

extern const fed_encoder_t fed_encoder_norm_bound;

/* Those that stand in chains without being asked for, see fl/method.c. */
extern const fed_encoder_t fed_encoder_pretend, fed_encoder_range, fed_encoder_weight,
    fed_encoder_fixed_point, fed_encoder_show;

#endif
